// SPDX-License-Identifier: Apache-2.0
#include "common/io/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/io/periodic_task.h"
#include "tests/support/event.h"
#include "tests/support/held_responders.h"
#include "tests/support/raw_socket.h"
#include "tests/support/wait_until.h"

namespace pmem {
namespace {

using ::testing::HasSubstr;

std::string Get(std::string_view target) {
  return absl::StrCat("GET ", absl::string_view(target.data(), target.size()),
                      " HTTP/1.1\r\nHost: x\r\n\r\n");
}

std::string Post(std::string_view target, std::string_view body) {
  return absl::StrCat("POST ", absl::string_view(target.data(), target.size()),
                      " HTTP/1.1\r\nHost: x\r\nContent-Length: ", body.size(), "\r\n\r\n",
                      absl::string_view(body.data(), body.size()));
}

// A server with the routes that the tests need; /hold keeps its Responders until they are taken.
class HttpServerTest : public ::testing::Test {
 protected:
  static constexpr int64_t kEchoBytesMax = 100'000;
  static constexpr int kOpenRequestsMax = 8;

  HttpServerTest() : server_({.open_requests_max = kOpenRequestsMax, .observer = {}}) {
    server_.Handle("GET", "/hello", [](const HttpRequest&, const Responder& respond) {
      respond({.content_type = "text/plain", .body = "hello"});
    });
    server_.Handle(
        "POST", "/echo",
        [](HttpRequest request, const Responder& respond) {
          respond({.content_type = "text/plain", .body = std::move(request.body)});
        },
        kEchoBytesMax);
    server_.Handle("GET", "/tree/", [](const HttpRequest& request, const Responder& respond) {
      std::string text = request.path;
      for (const auto& [name, value] : request.query) absl::StrAppend(&text, " ", name, "=", value);
      respond({.content_type = "text/plain", .body = text});
    });
    server_.Handle("GET", "/throw", [](const HttpRequest&, const Responder&) {
      throw std::runtime_error("planted");
    });
    server_.Handle("GET", "/forget", [](const HttpRequest&, const Responder&) {});
    server_.Handle("GET", "/hold", [this](const HttpRequest&, Responder respond) {
      held_.Add(std::move(respond));
    });
    server_.HandleAside("GET", "/slow", [this](const HttpRequest&, const Responder& respond) {
      slow_began_.Set();
      slow_may_end_.Wait();
      respond({.content_type = "text/plain", .body = "slow"});
    });
    server_.HandleAside("GET", "/throw-aside", [](const HttpRequest&, const Responder&) {
      throw std::runtime_error("planted");
    });
    port_ = *server_.Start("127.0.0.1:0");
  }
  ~HttpServerTest() override {
    slow_may_end_.Set();
    server_.Stop(absl::ZeroDuration());
  }

  std::string Ask(std::string_view bytes) {
    RawSocket socket(port_);
    socket.Send(bytes);
    return socket.Receive();
  }

  HeldResponders held_;
  Event slow_began_, slow_may_end_;
  HttpServer server_;
  int port_ = 0;
};

TEST_F(HttpServerTest, AnswersWithExactlyTheGivenTypeAndLength) {
  EXPECT_EQ(Ask(Get("/hello")),
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello");
}

TEST_F(HttpServerTest, PassesTheBodyOn) {
  const std::string body(kEchoBytesMax, 'x');
  EXPECT_EQ(BodyOf(Ask(Post("/echo", body))), body);
}

TEST_F(HttpServerTest, RefusesABodyOverTheLimitAndGoesOn) {
  RawSocket socket(port_);
  socket.Send(Post("/echo", std::string(kEchoBytesMax + 1, 'x')));
  EXPECT_EQ(StatusOf(socket.Receive()), "413");
  socket.Send(Post("/echo", "good"));
  EXPECT_EQ(BodyOf(socket.Receive()), "good");
}

TEST_F(HttpServerTest, AHandlerThatThrowsOrForgetsAnswers500) {
  EXPECT_EQ(StatusOf(Ask(Get("/throw"))), "500");
  EXPECT_EQ(StatusOf(Ask(Get("/forget"))), "500");
  EXPECT_EQ(StatusOf(Ask(Get("/hello"))), "200");
}

TEST_F(HttpServerTest, ALongPollIsAnsweredByAnotherThread) {
  RawSocket socket(port_);
  socket.Send(Get("/hold"));
  std::vector<Responder> held = held_.Take(1);
  held[0]({.status = 200, .body = "{}"});
  held[0]({.status = 200, .body = "{\"twice\":true}"});
  EXPECT_EQ(BodyOf(socket.Receive()), "{}");
  socket.Send(Get("/hello"));
  EXPECT_EQ(BodyOf(socket.Receive()), "hello");
}

TEST_F(HttpServerTest, WhatIsSlowAsideKeepsNothingElseWaiting) {
  std::vector<std::unique_ptr<RawSocket>> slow;  // More than the pool has threads.
  for (int i = 0; i < kOpenRequestsMax - 1; ++i) {
    slow.push_back(std::make_unique<RawSocket>(port_));
    slow.back()->Send(Get("/slow"));
  }
  slow_began_.Wait();
  EXPECT_EQ(BodyOf(Ask(Get("/hello"))), "hello");
  slow_may_end_.Set();
  for (const auto& socket : slow) EXPECT_EQ(BodyOf(socket->Receive()), "slow");
}

TEST_F(HttpServerTest, AHandlerAsideThatThrowsAnswers500AndTheNextIsCalled) {
  EXPECT_EQ(StatusOf(Ask(Get("/throw-aside"))), "500");
  slow_may_end_.Set();
  EXPECT_EQ(BodyOf(Ask(Get("/slow"))), "slow");
}

TEST(HttpServer, RefusesWhatMayNotWaitAside) {
  Event began, refused, may_end;
  HttpServer server({.observer = [&refused](const HttpExchange& exchange) {
    if (exchange.status == 503) refused.Set();
  }});
  server.HandleAside("GET", "/slow", [&](const HttpRequest&, const Responder& respond) {
    began.Set();
    may_end.Wait();
    respond({});
  });
  const int port = *server.Start("127.0.0.1:0");
  std::vector<std::unique_ptr<RawSocket>> sockets;
  const auto ask = [&] {
    sockets.push_back(std::make_unique<RawSocket>(port));
    sockets.back()->Send(Get("/slow"));
  };
  ask();
  began.Wait();
  for (size_t i = 0; i < HttpServer::kAsideQueuedMax + 1; ++i) ask();
  refused.Wait();
  may_end.Set();
  std::map<std::string, size_t> answers;
  for (const auto& socket : sockets) ++answers[StatusOf(socket->Receive())];
  EXPECT_EQ(answers,
            (std::map<std::string, size_t>{{"200", HttpServer::kAsideQueuedMax + 1}, {"503", 1}}));
  server.Stop(absl::ZeroDuration());
}

TEST_F(HttpServerTest, AResponderAfterStopDoesNothing) {
  RawSocket socket(port_);
  socket.Send(Get("/hold"));
  std::vector<Responder> held = held_.Take(1);
  server_.Stop(absl::ZeroDuration());
  held[0]({.body = "late"});
  held.clear();
  EXPECT_TRUE(socket.IsClosedByPeer());
}

TEST_F(HttpServerTest, WhoAsksWhileItEndsIsToldToTryAgain) {
  RawSocket slow(port_), other(port_);
  slow.Send(Get("/slow"));
  slow_began_.Wait();
  Thread stopper("stopper", [this] { server_.Stop(absl::ZeroDuration()); });
  std::string answer;
  EXPECT_TRUE(WaitUntil("it answers no more", [&] {
    other.Send(Get("/hello"));
    answer = other.Receive();
    return StatusOf(answer) != "200";
  }));
  slow_may_end_.Set();
  EXPECT_EQ(StatusOf(answer), "503");
  EXPECT_THAT(answer, HasSubstr("Retry-After: 1\r\n"));
  EXPECT_EQ(BodyOf(answer), R"({"type":"about:blank","title":"Too busy","status":503,)"
                            R"("detail":"the server ends"})");
}

TEST_F(HttpServerTest, UnknownPathsAndMethodsAreTold) {
  EXPECT_EQ(StatusOf(Ask(Get("/nothing"))), "404");
  const std::string answer = Ask(Post("/hello", "x"));
  EXPECT_EQ(StatusOf(answer), "405");
  EXPECT_THAT(answer, HasSubstr("Allow: GET\r\n"));
  EXPECT_EQ(StatusOf(Ask("TRACE /hello HTTP/1.1\r\nHost: x\r\n\r\n")), "405");
  EXPECT_EQ(StatusOf(Ask("OPTIONS /hello HTTP/1.1\r\nHost: x\r\n\r\n")), "405");
}

TEST_F(HttpServerTest, DecodesPathAndQuery) {
  EXPECT_EQ(BodyOf(Ask(Get("/tree/a%20b?wait=30s&x=1&x=%26"))), "/tree/a b wait=30s x=&");
  EXPECT_EQ(StatusOf(Ask(Get("/tree/%zz"))), "400");
  EXPECT_EQ(StatusOf(Ask(Get("/tree/%00"))), "400");
}

TEST_F(HttpServerTest, TooManyOpenRequestsAreRefusedUntilOneEnds) {
  std::vector<std::unique_ptr<RawSocket>> sockets;
  for (int i = 0; i < kOpenRequestsMax; ++i) {
    sockets.push_back(std::make_unique<RawSocket>(port_));
    sockets.back()->Send(Get("/hold"));
  }
  std::vector<Responder> held = held_.Take(kOpenRequestsMax);
  const std::string refusal = Ask(Get("/hello"));
  EXPECT_EQ(StatusOf(refusal), "503");
  EXPECT_THAT(refusal, HasSubstr("Retry-After: 1\r\n"));
  held[0]({});
  EXPECT_EQ(StatusOf(Ask(Get("/hello"))), "200");
}

// Closing connections under those who read from them has crashed cpprestsdk, now and then.
TEST(HttpServer, StopsWhileClientsAsk) {
  constexpr int kRounds = 30;
  constexpr int kClients = 4;
  for (int round = 0; round < kRounds; ++round) {
    HttpServer server;
    std::atomic<int> answered = 0;
    server.Handle("GET", "/hello",
                  [](const HttpRequest&, const Responder& respond) { respond({.body = "hello"}); });
    const int port = *server.Start("127.0.0.1:0");
    std::vector<std::thread> clients;
    for (int i = 0; i < kClients; ++i) {
      clients.emplace_back([port, &answered] {
        RawSocket socket(port);
        while (socket.Send(Get("/hello")) && StatusOf(socket.Receive()) == "200") ++answered;
      });
    }
    EXPECT_TRUE(WaitUntil("each client may have one", [&] { return answered >= kClients; }));
    server.Stop();
    for (std::thread& client : clients) client.join();
  }
}

TEST(HttpServer, SaysWhenThePortIsInUse) {
  const ListeningSocket other;
  HttpServer server;
  const absl::StatusOr<int> result = server.Start(absl::StrCat("127.0.0.1:", other.port()));
  EXPECT_TRUE(absl::IsFailedPrecondition(result.status())) << result.status();
}

}  // namespace
}  // namespace pmem
