// SPDX-License-Identifier: Apache-2.0
// Clients that break the rules: each is answered or dropped, and the next good request works.
#include <gtest/gtest.h>
#include <malloc.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/io/http_server.h"
#include "common/io/memory_growth.h"
#include "common/pure/absl_view.h"
#include "tests/support/held_responders.h"
#include "tests/support/raw_socket.h"
#include "tests/support/wait_until.h"

namespace pmem {
namespace {

constexpr int64_t kEchoBytesMax = 100'000;
constexpr std::string_view kGood = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";

constexpr std::string_view kHold = "GET /hold HTTP/1.1\r\nHost: x\r\n";

std::string Post(std::string_view headers, std::string_view body) {
  return absl::StrCat("POST /echo HTTP/1.1\r\nHost: x\r\n", AbslView(headers), "\r\n\r\n",
                      AbslView(body));
}

std::string Chunked(int64_t bytes) {
  return Post("Transfer-Encoding: chunked",
              absl::StrCat(absl::Hex(bytes), "\r\n", std::string(static_cast<size_t>(bytes), 'x'),
                           "\r\n0\r\n\r\n"));
}

class BadClients : public ::testing::Test {
 protected:
  BadClients() {
    server_.Handle("GET", "/hello", [](const HttpRequest&, const Responder& respond) {
      respond({.content_type = "text/plain", .body = "hello"});
    });
    server_.Handle(
        "POST", "/echo",
        [](HttpRequest request, const Responder& respond) {
          respond({.content_type = "text/plain", .body = std::move(request.body)});
        },
        kEchoBytesMax);
    server_.Handle("GET", "/hold", [this](const HttpRequest&, Responder respond) {
      held_.Add(std::move(respond));
    });
    port_ = *server_.Start("127.0.0.1:0");
  }
  ~BadClients() override { server_.Stop(absl::ZeroDuration()); }

  // The one answer to it, behind which the connection is closed: nothing that comes after it is
  // taken for a request. `is_endless`: cpprestsdk waits for the client's end.
  void ExpectTheLastAnswer(std::string_view status, std::string_view bytes,
                           bool is_endless = false) const {
    SCOPED_TRACE(std::string(bytes.substr(0, 100)));
    RawSocket socket(port_);
    socket.Send(bytes);
    if (is_endless) ::shutdown(socket.fd(), SHUT_WR);
    EXPECT_EQ(StatusOf(socket.Receive()), status);
    EXPECT_TRUE(socket.IsClosedByPeer());
    EXPECT_EQ(socket.Receive(), "");
    ExpectServerWorks();
  }

  // A good request on a connection of its own.
  void ExpectServerWorks() const {
    RawSocket socket(port_);
    socket.Send(kGood);
    EXPECT_EQ(BodyOf(socket.Receive()), "hello");
  }

  // Sends what has no end, half a gigabyte of it, until the server has enough. It does not wait
  // until all of it is sent: a client that may not send more is not told in that way.
  static bool IsCutOff(const RawSocket& socket) {
    const std::string piece(size_t{1} << 20, 'x');
    pollfd ready{.fd = socket.fd(), .events = POLLOUT | POLLRDHUP, .revents = 0};
    for (size_t left = size_t{512} << 20; left > 0;) {
      if (::poll(&ready, 1, 10'000) != 1) return false;
      if ((ready.revents & ~POLLOUT) != 0) return true;
      const ssize_t sent =
          ::send(ready.fd, piece.data(), std::min(piece.size(), left), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) left -= static_cast<size_t>(sent);
    }
    ready.events = POLLRDHUP;
    return ::poll(&ready, 1, 10'000) == 1;
  }

  HeldResponders held_;
  HttpServer server_;
  int port_ = 0;
};

TEST_F(BadClients, WhatIsNoRequestAnswers400AndIsDropped) {
  for (const std::string_view bytes :
       {"\r\n\r\n", "GET\r\n\r\n", "GET / \r\n\r\n", "\x16\x03\x01\x02\x01\r\n\r\n",
        "GET /hello HTTP/1.1\r\nno colon\r\n\r\n", "G@T /hello HTTP/1.1\r\n\r\n",
        "GET /hello HTTP/1.1\r\nX: folded\r\n in two\r\n\r\n",
        "GET /he\x01llo HTTP/1.1\r\nHost: x\r\n\r\n"}) {
    ExpectTheLastAnswer("400", bytes);
  }
}

TEST_F(BadClients, AGetWithABodyAnswers400AndIsTheLast) {
  ExpectTheLastAnswer("400", "GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab");
  ExpectTheLastAnswer(
      "400", "GET /hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  ExpectTheLastAnswer("405", "GET /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab");
  RawSocket socket(port_);
  socket.Send("GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(BodyOf(socket.Receive()), "hello");
}

// Whose bodies do not come. A probe that is refused for long ends the program.
TEST(BadClientsOfFewRequests, KeepNeitherProbesOutNorAskForMoreThanTheyMay) {
  constexpr int kOpenMax = 4;
  std::atomic<int> refused = 0;
  const auto answer = [](const HttpRequest&, const Responder& respond) { respond({.body = "{}"}); };
  HttpServer server({.open_requests_max = kOpenMax, .observer = [&refused](const auto& exchange) {
                       if (exchange.status == 400) ++refused;
                     }});
  server.HandleProbe("GET", "/livez", answer);
  server.Handle("GET", "/hello", answer);
  server.Handle("POST", "/echo", answer);
  const int port = *server.Start("127.0.0.1:0");
  std::vector<std::unique_ptr<RawSocket>> stuck;
  const auto hold = [&](std::string_view request) {
    for (int i = 0; i < kOpenMax; ++i) {
      stuck.push_back(std::make_unique<RawSocket>(port));
      stuck.back()->Send(request);
    }
  };
  const auto ask = [port](std::string_view request) {
    RawSocket socket(port);
    socket.Send(request);
    return StatusOf(socket.Receive());
  };
  hold("GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n");
  EXPECT_TRUE(WaitUntil("they are refused", [&] { return refused == kOpenMax; }));
  EXPECT_EQ(ask(kGood), "200");
  hold(Post("Content-Length: 5", ""));
  EXPECT_TRUE(WaitUntil("no more may be open", [&] { return ask(kGood) == "503"; }));
  EXPECT_EQ(ask("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"), "200");
  server.Stop(absl::ZeroDuration());
}

// Who forwards requests may find another end of it, and behind that a request of somebody else's.
TEST_F(BadClients, ABodyThatEndsInTwoPlacesAnswers400AndIsTheLast) {
  const std::string chunks = absl::StrCat("0\r\n\r\n", AbslView(kGood));
  ExpectTheLastAnswer("400", Post("Content-Length: 5\r\nTransfer-Encoding: chunked", chunks));
  ExpectTheLastAnswer("400", Post("Transfer-Encoding: chunked\r\nContent-Length: 5", chunks));
  ExpectTheLastAnswer("400", Post("Transfer-Encoding: xchunked", chunks));
  ExpectTheLastAnswer("400", Post("Transfer-Encoding: chunked, identity", chunks));
  ExpectTheLastAnswer("400", Post("Transfer-Encoding: gzip", kGood));
}

TEST_F(BadClients, ALengthThatIsNoLengthAnswers400AndIsTheLast) {
  const auto post = [](std::string_view length) {
    return Post(absl::StrCat("Content-Length: ", AbslView(length)), kGood);
  };
  for (const std::string_view length :
       {"+3", "18446744073709551616", "x", "1 2", "3, 3", "1e9", "0x3", ""}) {
    ExpectTheLastAnswer("400", post(length));
  }
  for (const std::string_view length : {"-1", "18446744073709551615"}) {
    ExpectTheLastAnswer("400", post(length), /*is_endless=*/true);
  }
}

// cpprestsdk shows no more than the last.
TEST_F(BadClients, OfSeveralLengthsTheLastCounts) {
  RawSocket socket(port_);
  socket.Send(Post("Content-Length: 1\r\nContent-Length: 3", "abc"));
  EXPECT_EQ(BodyOf(socket.Receive()), "abc");
  socket.Send(kGood);
  EXPECT_EQ(BodyOf(socket.Receive()), "hello");
}

TEST_F(BadClients, ANulInAHeaderIsAByteOfIt) {
  RawSocket socket(port_);
  socket.Send(absl::StrCat("GET /hello HTTP/1.1\r\nX: a", std::string(1, '\0'), "b\r\n\r\n"));
  EXPECT_EQ(BodyOf(socket.Receive()), "hello");
  ExpectServerWorks();
}

TEST_F(BadClients, OldOnesAndThoseThatThinkUsAProxyAreAnswered) {
  ExpectTheLastAnswer("200", "GET /hello HTTP/1.0\r\n\r\n");
  RawSocket socket(port_);
  socket.Send("GET http://127.0.0.1:1/hello HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(BodyOf(socket.Receive()), "hello");
}

TEST_F(BadClients, ARequestThatIsCutOffAnywhereLeavesTheServerWorking) {
  const std::string whole =
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\nonly-ten--";
  for (size_t size = 0; size <= whole.size(); size += 3) {
    RawSocket socket(port_);
    socket.Send(std::string_view(whole).substr(0, size));
    socket.Close();
  }
  ExpectServerWorks();
}

// cpprestsdk keeps the memory that it took as long as the connection lives.
TEST_F(BadClients, AHugeHeaderIsAnsweredAndIsTheLast) {
  RawSocket socket(port_);
  socket.Send(absl::StrCat("GET /hello HTTP/1.1\r\nX: ", std::string(kHeaderBytesMax - 100, 'x')));
  ExpectServerWorks();
  socket.Send("\r\n\r\n");
  EXPECT_EQ(StatusOf(socket.Receive()), "200");
  EXPECT_TRUE(socket.IsClosedByPeer());
}

// Each takes more than a hundred bytes, of which it sent eight.
TEST_F(BadClients, HeadersAreNotKeptUntilTheAnswer) {
  constexpr int kHeaders = 100'000;
  std::string request(kHold);
  for (int i = 0; i < kHeaders; ++i) absl::StrAppend(&request, absl::Hex(i), ":\r\n");
  request += "\r\n";
  RawSocket socket(port_);
  const size_t before = ::mallinfo2().uordblks;
  socket.Send(request);
  const Responder respond = held_.Take(1)[0];
  EXPECT_LT(::mallinfo2().uordblks, before + 5'000'000);
  respond({});
}

TEST_F(BadClients, ABodyWhoseLastByteComesLateIsWhole) {
  for (const bool is_chunked : {false, true}) {
    SCOPED_TRACE(is_chunked);
    RawSocket socket(port_);
    const std::string request =
        is_chunked ? Chunked(5000) : Post("Content-Length: 5000", std::string(5000, 'x'));
    const size_t late = is_chunked ? sizeof("x\r\n0\r\n\r\n") - 1 : 1;
    socket.Send(std::string_view(request).substr(0, request.size() - late));
    ExpectServerWorks();
    socket.Send(std::string_view(request).substr(request.size() - late));
    EXPECT_EQ(BodyOf(socket.Receive()), std::string(5000, 'x'));
  }
}

TEST_F(BadClients, AChunkedBodyThatIsCutOffIsNotTakenForWhole) {
  RawSocket socket(port_);
  socket.Send(Post("Transfer-Encoding: chunked", "5\r\nhello\r\n"));
  ExpectServerWorks();
  ::shutdown(socket.fd(), SHUT_WR);
  EXPECT_EQ(StatusOf(socket.Receive()), "400");
}

// cpprestsdk reads each of these to its end before it shows anything of it.
TEST_F(BadClients, WhatHasNoEndIsCutOff) {
  const std::string begin = "POST /echo HTTP/1.1\r\nHost: x\r\n";
  const std::string chunked = absl::StrCat(begin, "Transfer-Encoding: chunked\r\n\r\n");
  for (const std::string& endless : {absl::StrCat(begin, "X: "), absl::StrCat(chunked, "1;"),
                                     absl::StrCat(chunked, "7ffffff0\r\n")}) {
    SCOPED_TRACE(endless);
    RawSocket socket(port_);
    EXPECT_TRUE(socket.Send(endless));
    EXPECT_TRUE(IsCutOff(socket));
    ExpectServerWorks();
  }
}

TEST_F(BadClients, WhoSendsAsMuchAsItMayAgainAndAgainIsNotCutOff) {
  RawSocket socket(port_);
  const std::string request =
      Post(absl::StrCat("Content-Length: ", kEchoBytesMax), std::string(kEchoBytesMax, 'x'));
  // Together many times what one may have, while the connections are looked at.
  for (const absl::Time end = absl::Now() + absl::Seconds(3); absl::Now() < end;) {
    ASSERT_TRUE(socket.Send(request));
    ASSERT_EQ(BodyOf(socket.Receive()).size(), kEchoBytesMax);
  }
}

// Without our uri::split_path (http_server.cc) this takes half a minute of computing.
TEST_F(BadClients, APathOfManyPartsCostsNoMoreThanItsBytes) {
  RawSocket socket(port_);
  std::string path;
  for (int i = 0; i < 50'000; ++i) path += "/a";
  const std::clock_t before = std::clock();
  socket.Send(absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_EQ(StatusOf(socket.Receive()), "404");
  EXPECT_LT(std::clock() - before, 2 * CLOCKS_PER_SEC);
  ExpectServerWorks();
}

TEST_F(BadClients, ASlowBodyIsWaitedForWhileOthersAreServed) {
  RawSocket socket(port_);
  socket.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n");
  for (const std::string_view part : {"a", "b", "c", "d", "e"}) {
    socket.Send(part);
    ExpectServerWorks();
  }
  socket.Send("f");
  EXPECT_EQ(BodyOf(socket.Receive()), "abcdef");
}

// A chunk may have been as long as the body.
TEST_F(BadClients, AChunkedBodyHasTheSameLimitAndIsTheLast) {
  ExpectTheLastAnswer("200", Chunked(kEchoBytesMax));
  ExpectTheLastAnswer("413", Chunked(kEchoBytesMax + 1));
}

// Of "-1" cpprestsdk made room for as many bytes as there are numbers.
TEST_F(BadClients, AChunkBelowZeroAnswers400AndIsTheLast) {
  for (const std::string_view size : {"-1", "-2", "-30", "-80000000"}) {
    const std::string chunks = absl::StrCat("3\r\nabc\r\n", AbslView(size), "\r\nabc\r\n");
    ExpectTheLastAnswer("400", Post("Transfer-Encoding: chunked", chunks), size.size() > 2);
  }
}

// cpprestsdk takes it for the last one.
TEST_F(BadClients, BehindAChunkOfNoSizeNothingIsARequest) {
  for (const std::string_view size : {"zz", "", "0;x=y", "0x"}) {
    const std::string chunks = absl::StrCat(AbslView(size), "\r\n", AbslView(kGood));
    ExpectTheLastAnswer("200", Post("Transfer-Encoding: chunked", chunks));
  }
}

TEST_F(BadClients, TheFirstOfPipelinedRequestsIsAnswered) {
  const std::string refused = Post("Content-Length: 200000", std::string(200'000, 'x'));
  for (const std::string& first : {std::string(kGood), refused}) {
    RawSocket socket(port_);
    socket.Send(absl::StrCat(first, AbslView(kGood)));
    EXPECT_EQ(StatusOf(socket.Receive()), first == refused ? "413" : "200");
    ExpectServerWorks();
  }
}

TEST_F(BadClients, AClientThatLeavesItsLongPollCostsNothing) {
  std::vector<Responder> held;
  {
    RawSocket socket(port_);
    socket.Send(absl::StrCat(AbslView(kHold), "\r\n"));
    held = held_.Take(1);
  }
  held[0]({.body = "{}"});
  ExpectServerWorks();
}

// The thread sanitizer takes a millisecond for each.
#ifdef __has_feature
constexpr int kRequestsOfOne = __has_feature(thread_sanitizer) ? 1'000 : 10'000;
#else
constexpr int kRequestsOfOne = 10'000;
#endif

TEST_F(BadClients, OneConnectionCarriesThousandsOfRequests) {
  RawSocket socket(port_);
  for (int i = 0; i < kRequestsOfOne; ++i) {
    socket.Send(kGood);
    ASSERT_EQ(BodyOf(socket.Receive()), "hello") << i;
  }
}

}  // namespace
}  // namespace pmem
