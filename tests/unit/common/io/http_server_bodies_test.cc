// SPDX-License-Identifier: Apache-2.0
// What all request bodies together may take of a server's memory, and when they give it back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <list>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/io/http_server.h"
#include "tests/support/held_responders.h"
#include "tests/support/raw_socket.h"
#include "tests/support/wait_until.h"

namespace pmem {
namespace {

constexpr int64_t kBodyBytesMax = 400'000;
constexpr size_t kLarge = 300'000;  // Two of these are too much.

std::string Post(std::string_view target, size_t length, size_t sent) {
  return absl::StrCat("POST ", absl::string_view(target.data(), target.size()),
                      " HTTP/1.1\r\nHost: x\r\nContent-Length: ", length, "\r\n\r\n",
                      std::string(sent, 'x'));
}

std::string Post(std::string_view target, size_t length) { return Post(target, length, length); }

class HttpServerBodies : public ::testing::Test {
 protected:
  explicit HttpServerBodies(absl::Duration patience = absl::Minutes(1))
      : server_({.largest_bodies_max = 1, .body_patience = patience, .observer = {}}) {
    server_.Handle(
        "POST", "/count",
        [](const HttpRequest& request, const Responder& respond) {
          respond({.body = absl::StrCat(request.body.size())});
        },
        kBodyBytesMax);
    server_.Handle(
        "POST", "/hold",
        [this](HttpRequest request, Responder respond) {
          // The body is there for as long as its answer is owed.
          held_.Add([body = std::move(request.body), respond = std::move(respond)](
                        HttpResponse response) { respond(std::move(response)); });
        },
        kBodyBytesMax);
    port_ = *server_.Start("127.0.0.1:0");
  }
  ~HttpServerBodies() override { server_.Stop(absl::ZeroDuration()); }

  // Asks for a large body to be counted until the answer has that status.
  bool IsAnswered(std::string_view status, size_t length = kLarge) const {
    return WaitUntil("a large body has its answer", [&] {
      RawSocket socket(port_);
      socket.Send(Post("/count", length));
      return StatusOf(socket.Receive()) == status;
    });
  }

  // One that sent a large body but for its last byte, and whose part is taken, unless those took it
  // that asked for it. They ask for little, and later, so that they hardly ever do.
  std::unique_ptr<RawSocket> SendNearlyAll() const {
    auto socket = std::make_unique<RawSocket>(port_);
    socket->Send(Post("/count", kLarge, kLarge - 1));
    RawSocket other(port_);
    for (int i = 0; i < 50; ++i) {
      other.Send(Post("/count", 1000));
      other.Receive();
    }
    EXPECT_TRUE(IsAnswered("503", kBodyBytesMax - kLarge + 1)) << "its part is taken";
    return socket;
  }

  HeldResponders held_;
  HttpServer server_;
  int port_ = 0;
};

TEST_F(HttpServerBodies, WhatIsTooMuchIsRefusedUntilTheOthersAreAnswered) {
  RawSocket holder(port_), other(port_);
  holder.Send(Post("/hold", kLarge));
  const Responder respond = held_.Take(1)[0];
  other.Send(Post("/count", kLarge));
  const std::string refusal = other.Receive();
  EXPECT_EQ(StatusOf(refusal), "503");
  EXPECT_THAT(refusal, ::testing::HasSubstr("Content-Type: application/problem+json"));
  EXPECT_EQ(BodyOf(refusal), R"({"type":"about:blank","title":"Too busy","status":503,)"
                             R"("detail":"too many bytes of requests are held"})");
  other.Send(Post("/count", 1000));
  EXPECT_EQ(BodyOf(other.Receive()), "1000") << "there is room, and the connection goes on";
  respond({.body = "{}"});
  EXPECT_EQ(BodyOf(holder.Receive()), "{}");
  EXPECT_TRUE(IsAnswered("200"));
}

TEST_F(HttpServerBodies, SmallOnesPassWhileLargeOnesTakeAllThereIs) {
  RawSocket holder(port_), other(port_);
  holder.Send(Post("/hold", kBodyBytesMax));
  const Responder respond = held_.Take(1)[0];
  other.Send(Post("/count", 1000));
  EXPECT_EQ(BodyOf(other.Receive()), "1000");
}

TEST_F(HttpServerBodies, SmallOnesAreBoundedToo) {
  std::list<RawSocket> holders;
  std::vector<Responder> responders;
  for (int i = 0; i < 10; ++i) {  // Of 20,000 each: half of the largest together.
    holders.emplace_back(port_).Send(Post("/hold", kBodyBytesMax / 20));
    responders.push_back(held_.Take(1)[0]);
  }
  RawSocket other(port_);
  other.Send(Post("/count", kBodyBytesMax / 20));
  EXPECT_EQ(StatusOf(other.Receive()), "503");
}

TEST_F(HttpServerBodies, WhoSendsAHeaderAloneTakesLittle) {
  std::list<RawSocket> silent;  // What they announce is more than half of the largest together.
  for (int i = 0; i < 12; ++i) {
    silent.emplace_back(port_).Send(Post("/count", kBodyBytesMax / 20, 0));
  }
  RawSocket other(port_);
  for (int i = 0; i < 50; ++i) {  // By the last one the headers were all read.
    other.Send(Post("/count", 1000));
    ASSERT_EQ(BodyOf(other.Receive()), "1000");
  }
  other.Send(Post("/count", kBodyBytesMax / 20));
  EXPECT_EQ(BodyOf(other.Receive()), "20000");
}

TEST_F(HttpServerBodies, ABodyWithoutALengthIsCountedAsItComes) {
  RawSocket holder(port_), other(port_);
  holder.Send(Post("/hold", kLarge));
  const Responder respond = held_.Take(1)[0];
  other.Send("POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  other.Send(absl::StrCat(absl::Hex(kLarge), "\r\n", std::string(kLarge, 'x'), "\r\n0\r\n\r\n"));
  EXPECT_EQ(StatusOf(other.Receive()), "503");
}

TEST_F(HttpServerBodies, AClientThatGoesAwayInItsBodyGivesItsPartBack) {
  const auto socket = SendNearlyAll();
  socket->Close();
  EXPECT_TRUE(IsAnswered("200"));
}

TEST_F(HttpServerBodies, AClientThatGoesAwayBeforeItsAnswerGivesItsPartBack) {
  RawSocket socket(port_);
  socket.Send(Post("/hold", kLarge));
  const Responder respond = held_.Take(1)[0];
  socket.Close();
  EXPECT_TRUE(IsAnswered("503"));
  respond({.body = "{}"});
  EXPECT_TRUE(IsAnswered("200"));
}

TEST_F(HttpServerBodies, ABodyThatIsTooLongTakesNothing) {
  RawSocket socket(port_);
  for (int i = 0; i < 3; ++i) {
    socket.Send(Post("/count", kBodyBytesMax + 1));
    EXPECT_EQ(StatusOf(socket.Receive()), "413");
  }
  EXPECT_TRUE(IsAnswered("200"));
}

class HttpServerLateBodies : public HttpServerBodies {
 protected:
  HttpServerLateBodies() : HttpServerBodies(absl::Seconds(1)) {}
};

TEST_F(HttpServerLateBodies, OneThatIsNotThereInTimeGivesItsPartBack) {
  std::unique_ptr<RawSocket> silent;
  std::string status;
  do {  // Until none that asked took its place: that one was refused.
    silent = SendNearlyAll();
    EXPECT_TRUE(IsAnswered("200"));
    silent->Send("x");
    status = StatusOf(silent->Receive());
  } while (status == "503");
  EXPECT_EQ(status, "408");
  EXPECT_TRUE(silent->IsClosedByPeer());
}

TEST_F(HttpServerLateBodies, OneThatDripsInChunksIsNotTakenForWhole) {
  RawSocket drips(port_), other(port_);
  drips.Send("POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  pollfd answered{.fd = drips.fd(), .events = POLLIN, .revents = 0};
  EXPECT_TRUE(WaitUntil("the one that drips has its answer", [&] {
    drips.Send("1\r\nx\r\n");
    other.Send(Post("/count", 1000));
    EXPECT_EQ(BodyOf(other.Receive()), "1000");
    return ::poll(&answered, 1, 0) == 1;
  }));
  EXPECT_EQ(StatusOf(drips.Receive()), "408");
}

}  // namespace
}  // namespace pmem
