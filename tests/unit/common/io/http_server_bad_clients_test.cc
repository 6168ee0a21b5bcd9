// SPDX-License-Identifier: Apache-2.0
// Clients that break the rules: each is answered or dropped, and the next good request works.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
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
#include "tests/support/held_responders.h"
#include "tests/support/raw_socket.h"

namespace pmem {
namespace {

constexpr int64_t kEchoBytesMax = 100'000;
constexpr std::string_view kGood = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";

std::string Chunked(int64_t bytes) {
  return absl::StrCat("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
                      absl::Hex(bytes), "\r\n", std::string(static_cast<size_t>(bytes), 'x'),
                      "\r\n0\r\n\r\n");
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
        "GET /hello HTTP/1.1\r\nno colon\r\n\r\n", "G@T /hello HTTP/1.1\r\n\r\n"}) {
    SCOPED_TRACE(std::string(bytes));
    RawSocket socket(port_);
    socket.Send(bytes);
    EXPECT_EQ(StatusOf(socket.Receive()), "400");
    EXPECT_TRUE(socket.IsClosedByPeer());
    ExpectServerWorks();
  }
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

TEST_F(BadClients, AHugeHeaderLeavesTheServerWorking) {
  RawSocket socket(port_);
  socket.Send(absl::StrCat("GET /hello HTTP/1.1\r\nX: ", std::string(kHeaderBytesMax - 100, 'x')));
  ExpectServerWorks();
  socket.Send("\r\n\r\n");
  EXPECT_EQ(StatusOf(socket.Receive()), "200");
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
  const std::string request = Chunked(kEchoBytesMax);
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

TEST_F(BadClients, AChunkedBodyHasTheSameLimit) {
  RawSocket socket(port_);
  socket.Send(Chunked(kEchoBytesMax));
  EXPECT_EQ(BodyOf(socket.Receive()).size(), kEchoBytesMax);
  socket.Send(Chunked(kEchoBytesMax + 1));
  EXPECT_EQ(StatusOf(socket.Receive()), "413");
  socket.Send(kGood);
  EXPECT_EQ(BodyOf(socket.Receive()), "hello");
}

TEST_F(BadClients, AChunkSizeThatIsNoSizeLeavesTheServerWorking) {
  for (const std::string_view size : {"zz", "-5", "ffffffff", "ffffffffffffffffff", ""}) {
    SCOPED_TRACE(std::string(size));
    RawSocket socket(port_);
    socket.Send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    socket.Send(absl::StrCat(std::string(size), "\r\nabc\r\n"));
    socket.Close();
    ExpectServerWorks();
  }
}

TEST_F(BadClients, ALengthThatIsNoLengthLeavesTheServerWorking) {
  for (const std::string_view length : {"-1", "18446744073709551615", "x", "1 2", "1e9"}) {
    SCOPED_TRACE(std::string(length));
    RawSocket socket(port_);
    socket.Send(absl::StrCat("POST /echo HTTP/1.1\r\nContent-Length: ", std::string(length),
                             "\r\n\r\nabc"));
    socket.Close();
    ExpectServerWorks();
  }
}

TEST_F(BadClients, TheFirstOfPipelinedRequestsIsAnswered) {
  RawSocket socket(port_);
  socket.Send(absl::StrCat(std::string(kGood), std::string(kGood)));
  EXPECT_EQ(BodyOf(socket.Receive()), "hello");
  ExpectServerWorks();
}

TEST_F(BadClients, AClientThatLeavesItsLongPollCostsNothing) {
  std::vector<Responder> held;
  {
    RawSocket socket(port_);
    socket.Send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    held = held_.Take(1);
  }
  held[0]({.body = "{}"});
  ExpectServerWorks();
}

TEST_F(BadClients, OneConnectionCarriesTenThousandRequests) {
  RawSocket socket(port_);
  for (int i = 0; i < 10'000; ++i) {
    socket.Send(kGood);
    ASSERT_EQ(BodyOf(socket.Receive()), "hello") << i;
  }
}

}  // namespace
}  // namespace pmem
