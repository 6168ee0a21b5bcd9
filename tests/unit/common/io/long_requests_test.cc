// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <vector>

#include "common/io/connections.h"
#include "tests/support/raw_socket.h"

namespace pmem {
namespace {

constexpr int64_t kOneMax = 100'000;
constexpr int64_t kAllMax = 250'000;

class LongRequestsTest : public ::testing::Test {
 protected:
  struct Connection {
    explicit Connection(const ListeningSocket& listener)
        : client(listener.port()), server(listener) {}
    // The owner reads it all.
    void Ask(int64_t bytes) {
      Send(bytes);
      Read(bytes);
    }
    void Send(int64_t bytes) {
      ASSERT_TRUE(client.Send(std::string(static_cast<size_t>(bytes), 'x')));
    }
    void Read(int64_t bytes) {
      std::string read(static_cast<size_t>(bytes), ' ');
      ASSERT_EQ(::recv(server.fd(), read.data(), read.size(), MSG_WAITALL), bytes);
    }
    void Answer() { ASSERT_TRUE(server.Send("an answer")); }

    RawSocket client;
    AcceptedSocket server;
  };

  Connection& Connect() {
    connections_.push_back(std::make_unique<Connection>(listener_));
    return *connections_.back();
  }
  int ShutDown(int64_t held_bytes = 0) {
    return requests_.ShutDown(
        listener_.port(),
        {.one_bytes_max = kOneMax, .all_bytes_max = kAllMax, .held_bytes = held_bytes});
  }

  ListeningSocket listener_;
  std::vector<std::unique_ptr<Connection>> connections_;
  LongRequests requests_;
};

TEST_F(LongRequestsTest, OnesWithinTheLimitPassHoweverMany) {
  Connection& one = Connect();
  for (int i = 0; i < 20; ++i) {
    one.Ask(kOneMax);
    EXPECT_EQ(ShutDown(), 0);
    one.Answer();
    EXPECT_EQ(ShutDown(), 0);
  }
}

TEST_F(LongRequestsTest, OneBeyondItIsCutOff) {
  Connection& one = Connect();
  one.Ask(kOneMax / 2);
  EXPECT_EQ(ShutDown(), 0);
  one.Ask(kOneMax);
  EXPECT_EQ(ShutDown(), 1);
  EXPECT_TRUE(one.client.IsClosedByPeer());
}

TEST_F(LongRequestsTest, SoIsOneAfterManyThatWereAnswered) {
  Connection& one = Connect();
  for (int i = 0; i < 3; ++i) {
    one.Ask(kOneMax);
    one.Answer();
    EXPECT_EQ(ShutDown(), 0);
  }
  one.Ask(kOneMax + 10'000);
  EXPECT_EQ(ShutDown(), 1);
}

// The kernel holds it, and no more than it wants to.
TEST_F(LongRequestsTest, WhatTheOwnerHasNotReadYetIsNotCounted) {
  Connection& one = Connect();
  one.Send(kOneMax * 2);
  EXPECT_EQ(ShutDown(), 0);
  one.Read(kOneMax * 2);
  EXPECT_EQ(ShutDown(), 1);
}

TEST_F(LongRequestsTest, OfTooMuchTogetherTheLongestGo) {
  Connection& shorter = Connect();
  shorter.Ask(80'000);
  Connection& longest = Connect();
  longest.Ask(100'000);
  Connection& longer = Connect();
  longer.Ask(90'000);
  EXPECT_EQ(ShutDown(), 1);
  EXPECT_TRUE(longest.client.IsClosedByPeer());
  EXPECT_FALSE(shorter.client.IsClosedByPeer(0));
  EXPECT_FALSE(longer.client.IsClosedByPeer(0));
}

TEST_F(LongRequestsTest, WhatMayBeABodyThatIsHeldGoesLast) {
  Connection& body = Connect();
  body.Ask(95'000);
  for (int i = 0; i < 20; ++i) Connect().Ask(10'000);
  EXPECT_EQ(ShutDown(96'000), 5);
  EXPECT_FALSE(body.client.IsClosedByPeer(0));
  body.Ask(10'000);
  EXPECT_EQ(ShutDown(200'000), 1) << "beyond what one may have nothing is spared";
  EXPECT_TRUE(body.client.IsClosedByPeer());
}

TEST_F(LongRequestsTest, WhatIsLongerThanAllThatIsHeldIsNoneOfIt) {
  Connection& body = Connect();
  body.Ask(80'000);
  Connection& longer = Connect();
  longer.Ask(90'000);
  Connect().Ask(85'000);
  EXPECT_EQ(ShutDown(81'000), 1);
  EXPECT_TRUE(longer.client.IsClosedByPeer());
  EXPECT_FALSE(body.client.IsClosedByPeer(0));
}

}  // namespace
}  // namespace pmem
