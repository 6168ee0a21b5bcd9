// SPDX-License-Identifier: Apache-2.0
#include "common/io/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/io/http_server.h"
#include "common/io/io_threads.h"
#include "common/io/mutex.h"
#include "common/io/periodic_task.h"
#include "tests/support/event.h"
#include "tests/support/scripted_server.h"

namespace pmem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::Duration kReadTimeout = absl::Seconds(10);
constexpr std::string_view kStreamHead =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";

std::unique_ptr<HttpClient> MakeClient(const std::string& url,
                                       absl::Duration read_timeout = kReadTimeout) {
  auto client = HttpClient::Make(url, {}, read_timeout);
  EXPECT_TRUE(client.ok()) << client.status();
  return *std::move(client);
}

std::string Chunk(std::string_view text) {
  return absl::StrCat(absl::Hex(text.size()), "\r\n", absl::string_view(text.data(), text.size()),
                      "\r\n");
}

// What Stream gave: all blocks, how it ended, the refusal.
struct Streamed {
  absl::Status status;
  std::string text;
  ClientResponse refusal;
};

Streamed Stream(HttpClient& client, const StopFlag& stop = StopFlag()) {
  Streamed result;
  result.status = client.Stream(
      {.path_and_query = "/watch"},
      [&result](std::string_view block) {
        result.text += block;
        return absl::OkStatus();
      },
      stop, &result.refusal);
  return result;
}

// How often this thread has waited.
int64_t ThreadSwitches() {
  rusage usage{};
  EXPECT_EQ(::getrusage(RUSAGE_THREAD, &usage), 0);
  return usage.ru_nvcsw;
}

TEST(HttpClient, SendsMethodPathHeadersAndBodyAndReadsTheAnswer) {
  std::string head;
  ScriptedServer server([&head](AcceptedSocket& socket) {
    head = socket.head();
    socket.Send("HTTP/1.1 409 Conflict\r\nContent-Length: 3\r\nX-Thing: a\r\n\r\nnay");
  });
  const auto client = MakeClient(server.url() + "/prefix");
  const auto response = client->Send({.method = "PATCH",
                                      .path_and_query = "/a/b?labelSelector=x%3Dy&limit=5",
                                      .body = "[]",
                                      .content_type = "application/json-patch+json",
                                      .headers = {{"Authorization", "Bearer t"}}});
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 409);
  EXPECT_EQ(response->body, "nay");
  EXPECT_EQ(response->headers.at("x-thing"), "a");
  EXPECT_THAT(head, HasSubstr("PATCH /prefix/a/b?labelSelector=x%3Dy&limit=5 HTTP/1.1\r\n"));
  EXPECT_THAT(head, HasSubstr("Authorization:Bearer t\r\n"));
  EXPECT_THAT(head, HasSubstr("Content-Type:application/json-patch+json\r\n"));
}

// How often a request is sent whose kept connection ends before it is answered.
int TimesSent(const ClientRequest& request) {
  ListeningSocket listener;
  std::atomic<int> times = 0;
  const auto serve = [&](AcceptedSocket& socket) {
    socket.ReadHead();
    if (socket.head().starts_with(request.method)) ++times;
    char body[16];
    if (!request.body.empty()) ::recv(socket.fd(), body, request.body.size(), MSG_WAITALL);
  };
  const auto serve_both = [&] {
    {
      AcceptedSocket kept(listener);
      kept.ReadHead();
      kept.Send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      serve(kept);
    }
    AcceptedSocket second(listener);
    serve(second);
  };
  {
    const Thread server("server", serve_both);
    const auto client = MakeClient(absl::StrCat("http://127.0.0.1:", listener.port()));
    EXPECT_TRUE(client->Send({.path_and_query = "/"}).ok());
    EXPECT_TRUE(MeetIoThreads(kReadTimeout));  // The connection is kept by now.
    const auto response = client->Send(request);
    EXPECT_TRUE(absl::IsUnavailable(response.status())) << response.status();
    listener.Shutdown();
  }
  return times;
}

// A write that comes once more, later, may be one that nobody expects any more.
TEST(HttpClient, WhatHasABodyIsSentOnce) {
  for (const char* method : {"PATCH", "PUT", "POST", "DELETE"}) {
    SCOPED_TRACE(method);
    EXPECT_EQ(TimesSent({.method = method, .path_and_query = "/", .body = "[]"}), 1);
  }
  EXPECT_EQ(TimesSent({.path_and_query = "/"}), 2);
}

TEST(HttpClient, RefusesAnAnswerOverTheLimit) {
  HttpServer server;
  server.Handle("GET", "/big", [](const HttpRequest&, const Responder& respond) {
    respond({.body = std::string(200'000, 'x')});
  });
  const auto client = MakeClient(absl::StrCat("http://127.0.0.1:", *server.Start("127.0.0.1:0")));
  EXPECT_EQ(client->Send({.path_and_query = "/big", .body_bytes_max = 200'000})->body.size(),
            200'000);
  const auto refused = client->Send({.path_and_query = "/big", .body_bytes_max = 199'999});
  EXPECT_TRUE(absl::IsResourceExhausted(refused.status())) << refused.status();
  EXPECT_EQ(client->Send({.path_and_query = "/big"})->status, 200);
}

// Without the limits cpprestsdk waits for the end, in memory, until the read timeout.
TEST(HttpClient, CutsOffAHeaderOrAChunkThatIsLongerThanTheAnswerMayBe) {
  constexpr int64_t kBytesMax = int64_t{1024} * 1024;
  for (const std::string& begin :
       {std::string("HTTP/1.1 200 OK\r\nX: "), std::string(kStreamHead) + "60000000\r\n"}) {
    SCOPED_TRACE(begin);
    ScriptedServer server([&begin](AcceptedSocket& socket) {
      socket.Send(begin);
      socket.Send(std::string(4 * kBytesMax, 'x'));
      socket.WaitUntilClientCloses();
    });
    const auto response = MakeClient(server.url())->Send({.body_bytes_max = kBytesMax});
    EXPECT_EQ(response.status().code(), absl::StatusCode::kUnavailable) << response.status();
  }
}

TEST(HttpClient, CallsAnUnreachableServerUnavailable) {
  int port = 0;
  {
    const ListeningSocket closed;
    port = closed.port();
  }
  const std::string url = absl::StrCat("http://127.0.0.1:", port);
  for (const std::string& base : {url, url + "/"}) {
    const auto response = MakeClient(base)->Send({.path_and_query = "/api/v1/pods?watch=1"});
    EXPECT_EQ(response.status(),
              absl::UnavailableError(absl::StrCat(
                  "GET ", url, "/api/v1/pods: Failed to connect to any resolved endpoint")));
  }
}

TEST(HttpClient, SilenceEndsInDeadlineExceeded) {
  ScriptedServer server([](AcceptedSocket& socket) { socket.WaitUntilClientCloses(); });
  const auto response =
      MakeClient(server.url(), absl::Milliseconds(50))->Send({.path_and_query = "/"});
  EXPECT_TRUE(absl::IsDeadlineExceeded(response.status())) << response.status();
}

TEST(HttpClient, ADeadlineEndsAnAnswerThatTrickles) {
  ScriptedServer server([](AcceptedSocket& socket) {
    socket.Send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    socket.WaitUntilClientCloses();
  });
  const auto response =
      MakeClient(server.url())->Send({.path_and_query = "/", .deadline = absl::Milliseconds(50)});
  EXPECT_TRUE(absl::IsDeadlineExceeded(response.status())) << response.status();
}

TEST(HttpClient, GarbageIsUnavailable) {
  for (const std::string_view garbage :
       {"", "\r\n\r\n", "SSH-2.0-x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    SCOPED_TRACE(std::string(garbage));
    ScriptedServer server([garbage](AcceptedSocket& socket) { socket.Send(garbage); });
    const auto response = MakeClient(server.url())->Send({.path_and_query = "/"});
    EXPECT_TRUE(absl::IsUnavailable(response.status())) << response.status();
  }
}

// Of "-1" cpprestsdk makes as many bytes as there are numbers.
TEST(HttpClient, AChunkBelowZeroIsUnavailable) {
  for (const std::string_view size : {"-1", "-2"}) {
    SCOPED_TRACE(std::string(size));
    const auto answer = [size](AcceptedSocket& socket) {
      socket.Send(absl::StrCat(std::string(kStreamHead), Chunk("one\n"), std::string(size)));
      socket.Send("\r\nabc\r\n");
      socket.WaitUntilClientCloses();
    };
    ScriptedServer server(answer), streaming(answer);
    const auto response = MakeClient(server.url())->Send({.path_and_query = "/"});
    EXPECT_TRUE(absl::IsUnavailable(response.status())) << response.status();
    const auto client = MakeClient(streaming.url());
    const Streamed streamed = Stream(*client);
    EXPECT_TRUE(absl::IsUnavailable(streamed.status)) << streamed.status;
    EXPECT_EQ(streamed.text, "one\n");
  }
}

TEST(HttpClient, DoesNotFollowRedirects) {
  ScriptedServer server([](AcceptedSocket& socket) {
    socket.Send("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
  });
  EXPECT_EQ(MakeClient(server.url())->Send({.path_and_query = "/"})->status, 302);
}

TEST(HttpClient, ADestroyedClientCancelsWhatIsOpen) {
  Event asked;
  ScriptedServer server([&asked](AcceptedSocket& socket) {
    asked.Set();
    socket.WaitUntilClientCloses();
  });
  absl::Status status;
  auto client = MakeClient(server.url());
  client->SendAsync({.path_and_query = "/"},
                    [&status](const absl::StatusOr<ClientResponse>& r) { status = r.status(); });
  asked.Wait();
  client.reset();
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
}

TEST(HttpClient, AnIpv6AddressIsConnectedTo) {
  ScriptedServer server(
      [](AcceptedSocket& socket) { socket.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nv6"); },
      /*is_ipv6=*/true);
  if (!server.is_listening()) GTEST_SKIP() << "this machine has no IPv6 loopback";
  const auto response = MakeClient(server.url())->Send({.path_and_query = "/"});
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->body, "v6");
}

TEST(HttpClient, ABadUrlOrCertificateIsInvalid) {
  for (const char* url : {"", "127.0.0.1:80", "ftp://x", "http://a b"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(HttpClient::Make(url, {}, kReadTimeout).status())) << url;
  }
  const ClientTls nonsense{.ca_pem = "nonsense"};
  EXPECT_TRUE(absl::IsInvalidArgument(
      HttpClient::Make("https://127.0.0.1:1", nonsense, kReadTimeout).status()));
}

TEST(HttpClientStream, GivesWhatTheChunksHave) {
  ScriptedServer server([](AcceptedSocket& socket) {
    socket.Send(absl::StrCat(std::string(kStreamHead), Chunk("one\ntw"), Chunk("o\r\n"),
                             Chunk("\nthree\n"), "0\r\n\r\n"));
  });
  const auto client = MakeClient(server.url());
  const Streamed streamed = Stream(*client);
  EXPECT_TRUE(streamed.status.ok()) << streamed.status;
  EXPECT_EQ(streamed.text, "one\ntwo\r\n\nthree\n");
}

TEST(HttpClientStream, ABrokenStreamGivesWhatCameAndUnavailable) {
  ScriptedServer server([](AcceptedSocket& socket) {
    socket.Send(absl::StrCat(std::string(kStreamHead), Chunk("one\n"), "ff\r\ntw"));
  });
  const auto client = MakeClient(server.url());
  const Streamed streamed = Stream(*client);
  EXPECT_TRUE(absl::IsUnavailable(streamed.status)) << streamed.status;
  EXPECT_EQ(streamed.text, "one\n");
}

TEST(HttpClientStream, ARefusalKeepsItsBody) {
  ScriptedServer server([](AcceptedSocket& socket) {
    socket.Send("HTTP/1.1 410 Gone\r\nContent-Length: 8\r\n\r\n{\"a\":1}\n");
  });
  const auto client = MakeClient(server.url());
  const Streamed streamed = Stream(*client);
  EXPECT_TRUE(streamed.status.ok()) << streamed.status;
  EXPECT_EQ(streamed.refusal.status, 410);
  EXPECT_EQ(streamed.refusal.body, "{\"a\":1}\n");
  EXPECT_EQ(streamed.text, "");
}

TEST(HttpClientStream, AStopFlagEndsASilentStream) {
  StopFlag stop;
  Event read;
  ScriptedServer server([&](AcceptedSocket& socket) {
    socket.Send(absl::StrCat(std::string(kStreamHead), Chunk("one\n")));
    read.Wait();
    stop.Set();
    socket.WaitUntilClientCloses();
  });
  const auto client = MakeClient(server.url());
  const auto on_block = [&read](std::string_view) {
    read.Set();
    return absl::OkStatus();
  };
  ClientResponse refusal;
  EXPECT_TRUE(absl::IsCancelled(client->Stream({}, on_block, stop, &refusal)));
}

// There is one for each kind of object that is watched, for ever.
TEST(HttpClientStream, ASilentStreamDoesNotWakeItsReader) {
  ScriptedServer server([](AcceptedSocket& socket) {
    socket.Send(kStreamHead);
    socket.WaitUntilClientCloses();
  });
  const auto client = MakeClient(server.url(), absl::Seconds(2));
  const int64_t before = ThreadSwitches();
  EXPECT_TRUE(absl::IsDeadlineExceeded(Stream(*client).status));
  EXPECT_LT(ThreadSwitches(), before + 6);
}

TEST(HttpClientStream, SilenceEndsInDeadlineExceeded) {
  ScriptedServer server([](AcceptedSocket& socket) {
    socket.Send(absl::StrCat(std::string(kStreamHead), Chunk("one\n")));
    socket.WaitUntilClientCloses();
  });
  const auto client = MakeClient(server.url(), absl::Milliseconds(50));
  const Streamed streamed = Stream(*client);
  EXPECT_TRUE(absl::IsDeadlineExceeded(streamed.status)) << streamed.status;
  EXPECT_EQ(streamed.text, "one\n");
}

TEST(HttpClientStream, TheReadersErrorComesBackAndTheConnectionIsClosed) {
  ScriptedServer server([](AcceptedSocket& socket) {
    socket.Send(kStreamHead);
    while (socket.Send(Chunk("line\n"))) {
    }
  });
  const auto client = MakeClient(server.url());
  ClientResponse refusal;
  const absl::Status status = client->Stream(
      {.path_and_query = "/"}, [](std::string_view) { return absl::DataLossError("planted"); },
      StopFlag(), &refusal);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
}

}  // namespace
}  // namespace pmem
