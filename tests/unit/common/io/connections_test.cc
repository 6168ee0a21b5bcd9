// SPDX-License-Identifier: Apache-2.0
#include "common/io/connections.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <list>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/io/http_server.h"
#include "tests/support/raw_socket.h"

namespace pmem {
namespace {

constexpr std::string_view kAsk = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";

class ConnectionsTest : public ::testing::Test {
 protected:
  // Looks all the time.
  void Start(const ConnectionLimits& limits) {
    server_.emplace(HttpServerOptions{
        .connections = limits, .connections_look_period = absl::Milliseconds(1), .observer = {}});
    server_->Handle("GET", "/hello", [](const HttpRequest&, const Responder& respond) {
      respond({.content_type = "text/plain", .body = "hello"});
    });
    port_ = *server_->Start("127.0.0.1:0");
  }

  std::optional<HttpServer> server_;
  int port_ = 0;
};

TEST_F(ConnectionsTest, OfTooManyThoseGoWhoseClientNeverAsked) {
  Start({.count_max = 2, .idle_max = absl::Hours(1)});
  RawSocket used(port_);
  used.Send(kAsk);
  EXPECT_EQ(BodyOf(used.Receive()), "hello");
  std::list<RawSocket> silent;
  for (int i = 0; i < 5; ++i) silent.emplace_back(port_);
  const auto is_closed = [](RawSocket& socket) { return socket.IsClosedByPeer(0); };
  while (std::count_if(silent.begin(), silent.end(), is_closed) < 4) std::this_thread::yield();
  used.Send(kAsk);
  EXPECT_EQ(BodyOf(used.Receive()), "hello");
}

TEST_F(ConnectionsTest, OfTooManyThatAskedTheLongestIdleGoes) {
  Start({.count_max = 100, .idle_max = absl::Hours(1)});
  RawSocket first(port_);
  first.Send(kAsk);
  EXPECT_EQ(BodyOf(first.Receive()), "hello");
  RawSocket second(port_);
  // The kernel counts in ticks of some milliseconds.
  const absl::Time end = absl::Now() + absl::Milliseconds(50);
  while (absl::Now() < end) {
    second.Send(kAsk);
    EXPECT_EQ(BodyOf(second.Receive()), "hello");
  }
  EXPECT_EQ(ShutDownExcess(port_, {.count_max = 1, .idle_max = absl::Hours(1)}), 1);
  EXPECT_TRUE(first.IsClosedByPeer());
  second.Send(kAsk);
  EXPECT_EQ(BodyOf(second.Receive()), "hello");
}

TEST_F(ConnectionsTest, OneIsClosedOnceItIsIdleForLongerThanTheLimit) {
  Start({.count_max = 100, .idle_max = absl::Hours(1)});
  RawSocket socket(port_);
  socket.Send(kAsk);
  EXPECT_EQ(BodyOf(socket.Receive()), "hello");
  EXPECT_EQ(ShutDownExcess(port_, {.count_max = 100, .idle_max = absl::Hours(1)}), 0);
  socket.Send(kAsk);
  EXPECT_EQ(BodyOf(socket.Receive()), "hello");
  // The kernel counts in ticks of some milliseconds.
  const ConnectionLimits none{.count_max = 100, .idle_max = absl::ZeroDuration()};
  while (ShutDownExcess(port_, none) == 0) std::this_thread::yield();
  EXPECT_TRUE(socket.IsClosedByPeer());
}

TEST(Connections, OneThatWaitsForAnAnswerIsLeftToItsOwner) {
  HttpServer server;
  std::promise<Responder> held;
  server.Handle("GET", "/hold", [&held](const HttpRequest&, Responder respond) {
    held.set_value(std::move(respond));
  });
  const int port = *server.Start("127.0.0.1:0");
  RawSocket socket(port);
  socket.Send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  const Responder respond = held.get_future().get();
  EXPECT_EQ(ShutDownAccepted(port, absl::ZeroDuration()), 1);
  respond({});
  EXPECT_EQ(ShutDownAccepted(port, absl::InfiniteDuration()), 0);
}

}  // namespace
}  // namespace pmem
