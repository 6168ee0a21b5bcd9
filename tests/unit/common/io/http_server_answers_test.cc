// SPDX-License-Identifier: Apache-2.0
// What answers may take of a server's memory, and for how long, when their clients do not read.
#include <gtest/gtest.h>
#include <poll.h>

#include <optional>
#include <string>

#include "common/io/http_server.h"
#include "tests/support/raw_socket.h"
#include "tests/support/wait_until.h"

namespace pmem {
namespace {

// More than the kernel takes for a client that does not read; two of these are too much.
constexpr size_t kLarge = size_t{32} * 1024 * 1024;
constexpr std::string_view kAskLarge = "GET /large HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr std::string_view kAskSmall = "GET /small HTTP/1.1\r\nHost: x\r\n\r\n";

class HttpServerAnswers : public ::testing::Test {
 protected:
  explicit HttpServerAnswers(absl::Duration send_patience = absl::Seconds(10))
      : server_({.answer_bytes_max = kLarge * 3 / 2,
                 .send_patience = send_patience,
                 .connections_look_period = absl::Milliseconds(1),
                 .observer = {}}) {
    server_.Handle("GET", "/large", [](const HttpRequest&, const Responder& respond) {
      respond({.body = std::string(kLarge, 'x')});
    });
    server_.Handle("GET", "/small", [](const HttpRequest&, const Responder& respond) {
      respond({.body = "small"});
    });
    port_ = *server_.Start("127.0.0.1:0");
  }
  ~HttpServerAnswers() override { server_.Stop(absl::ZeroDuration()); }

  // Asks for a large answer, and reads it, until it has that status. For "503" somebody else
  // has asked before and reads nothing.
  bool IsAnswered(std::string_view status) {
    return WaitUntil("a large answer has its status", [&] {
      if (status == "503") AskWithoutReading();
      RawSocket socket(port_);
      socket.Send(kAskLarge);
      return StatusOf(socket.Receive()) == status;
    });
  }
  void AskWithoutReading() {
    reads_nothing_.emplace(port_);
    reads_nothing_->Send(kAskLarge);
    pollfd begun{.fd = reads_nothing_->fd(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&begun, 1, 10'000), 1);
  }

  std::optional<RawSocket> reads_nothing_;
  HttpServer server_;
  int port_ = 0;
};

class HttpServerUnreadAnswers : public HttpServerAnswers {
 protected:
  HttpServerUnreadAnswers() : HttpServerAnswers(absl::Milliseconds(300)) {}
};

TEST_F(HttpServerAnswers, ThoseThatNobodyReadsAreBounded) {
  RawSocket other(port_);
  EXPECT_TRUE(IsAnswered("503"));
  other.Send(kAskSmall);
  EXPECT_EQ(BodyOf(other.Receive()), "small") << "probes pass";
}

TEST_F(HttpServerUnreadAnswers, AreGivenUpWithTheirConnections) {
  RawSocket idle(port_);
  idle.Send(kAskSmall);
  EXPECT_EQ(BodyOf(idle.Receive()), "small");
  EXPECT_TRUE(IsAnswered("503"));
  EXPECT_TRUE(IsAnswered("200"));
  EXPECT_LT(BodyOf(reads_nothing_->Receive()).size(), kLarge);
  idle.Send(kAskSmall);
  EXPECT_EQ(BodyOf(idle.Receive()), "small") << "who is owed nothing stays";
}

}  // namespace
}  // namespace pmem
