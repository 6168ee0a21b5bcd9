// SPDX-License-Identifier: Apache-2.0
#include "common/io/receive_limits.h"

#include <gtest/gtest.h>

#include <iterator>
#include <string>

#include "tests/support/raw_socket.h"

namespace pmem {
namespace {

constexpr int64_t kBody = 100'000;
// More than a body of kBody may take, with all that comes with it.
constexpr int64_t kTooMuch = 2'000'000;

class ReceiveLimitsTest : public ::testing::Test {
 protected:
  // The client reads it all.
  static void Transfer(AcceptedSocket& from, const RawSocket& to, int64_t bytes) {
    std::string piece(10'000, 'x');
    for (int64_t done = 0; done < bytes; done += std::ssize(piece)) {
      from.Send(piece);
      ASSERT_EQ(::recv(to.fd(), piece.data(), piece.size(), MSG_WAITALL), std::ssize(piece));
    }
  }
  void Answer(int64_t bytes) { Transfer(server_, client_, bytes); }

  ListeningSocket listener_;
  RawSocket client_{listener_.port()};
  AcceptedSocket server_{listener_};
  ReceiveLimits limits_;
};

TEST_F(ReceiveLimitsTest, AnswersWithinTheirLimitPassHoweverMany) {
  for (int i = 0; i < 50; ++i) {
    limits_.Expect(client_.fd(), kBody);
    Answer(kBody + 1000);
    EXPECT_EQ(limits_.Look(), 0);
  }
}

TEST_F(ReceiveLimitsTest, OneBeyondItIsCutOff) {
  limits_.Expect(client_.fd(), kBody);
  Answer(kTooMuch);
  EXPECT_EQ(limits_.Look(), 1);
  server_.WaitUntilClientCloses();
  EXPECT_EQ(limits_.Look(), 0) << "once";
}

TEST_F(ReceiveLimitsTest, WithoutALimitNothingIs) {
  limits_.Expect(client_.fd(), kBody);
  limits_.Expect(client_.fd(), ReceiveLimits::kNone);
  Answer(kTooMuch);
  EXPECT_EQ(limits_.Look(), 0);
}

TEST_F(ReceiveLimitsTest, ALimitDoesNotPassToTheNextSocketOfThatNumber) {
  limits_.Expect(client_.fd(), kBody);
  RawSocket other(listener_.port());
  AcceptedSocket others_server(listener_);
  Transfer(others_server, other, kTooMuch);
  ASSERT_GE(::dup2(other.fd(), client_.fd()), 0);
  EXPECT_EQ(limits_.Look(), 0);
}

}  // namespace
}  // namespace pmem
