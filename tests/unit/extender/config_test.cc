// SPDX-License-Identifier: Apache-2.0
#include "extender/config.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "absl/strings/match.h"
#include "extender/intake/agent_poller.h"

namespace pmem::extender {
namespace {

ExtenderConfig Elected(absl::Duration lease, absl::Duration renew, absl::Duration takeover) {
  ExtenderConfig config;
  config.is_elected = true;
  config.lease.timing = {.identity = "one", .lease_duration = lease, .renew_deadline = renew};
  config.lease.timing.retry_period = renew / 4;
  config.service.ledger.takeover_window = takeover;
  return config;
}

TEST(ExtenderConfig, WhatIsShippedIsValid) {
  const ExtenderConfig shipped =
      Elected(absl::Seconds(15), absl::Seconds(10), LedgerOptions().takeover_window);
  EXPECT_EQ(Validate(shipped), absl::OkStatus());
  EXPECT_EQ(PinningOptionsOf(shipped).lead_gap, absl::Seconds(5));
}

// With an election the next one leads a gap later; without, a process that is started anew leads at
// once.
TEST(ExtenderConfig, APinOfAProcessThatWasKilledIsHeardOfBeforeTheNextOneDecides) {
  ExtenderConfig config =
      Elected(absl::Seconds(15), absl::Seconds(10), LedgerOptions().takeover_window);
  for (const bool is_elected : {true, false}) {
    config.is_elected = is_elected;
    const LedgerOptions ledger = ServiceOptionsOf(config).ledger;
    const PinTimes times = PinTimesOf(ledger, PinningOptionsOf(config).lead_gap);
    const absl::Duration gap = absl::Seconds(is_elected ? 5 : 0);
    EXPECT_LE(times.deadline + ledger.hold_grace, gap + ledger.takeover_window) << is_elected;
    EXPECT_GE(times.deadline, 2 * PinTimes::kDeadlineMin) << is_elected;
  }
}

TEST(ExtenderConfig, AnIdleAgentOfWhichOnePollIsLostIsNotSilent) {
  const ExtenderConfig shipped;
  const LedgerOptions& ledger = shipped.service.ledger;
  EXPECT_GE(ledger.agent_silence_max, 2 * shipped.agent_wait + absl::Seconds(10));
  // One poll, held as long as an agent may hold it beyond its wait.
  EXPECT_GT(ledger.agent_silence_max, shipped.agent_wait + AgentPoller::Options().slack);
  // A poll that was under way when a debt began is over before the debt is: the next one ends with
  // it.
  EXPECT_LT(shipped.agent_wait, ledger.debt_grace);
}

TEST(ExtenderConfig, AWaitThatMakesIdleAgentsLookDeadIsRefused) {
  ExtenderConfig config =
      Elected(absl::Seconds(15), absl::Seconds(10), LedgerOptions().takeover_window);
  config.service.ledger.agent_silence_max = 2 * config.agent_wait;
  EXPECT_EQ(Validate(config), absl::OkStatus());
  config.service.ledger.agent_silence_max -= absl::Seconds(1);
  EXPECT_EQ(Validate(config).code(), absl::StatusCode::kInvalidArgument);
}

TEST(ExtenderConfig, NoPollIsHeldForLongerThanADebtStands) {
  ExtenderConfig config;
  EXPECT_EQ(PollWaitOf(config), config.agent_wait);
  config.service.ledger.debt_grace = absl::Seconds(16);
  EXPECT_EQ(PollWaitOf(config), absl::Seconds(16));
}

TEST(ExtenderConfig, TimingsThatLeaveNoTimeToWriteAPinAreRefused) {
  EXPECT_EQ(Validate(Elected(absl::Seconds(3), absl::Seconds(2), absl::Seconds(5))),
            absl::OkStatus());
  ExtenderConfig config = Elected(absl::Milliseconds(2500), absl::Seconds(2), absl::Seconds(5));
  const absl::Status status = Validate(config);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  for (const char* part : {"--lease-renew-deadline", "--takeover-window", "6s"}) {
    EXPECT_TRUE(absl::StrContains(status.message(), part)) << status;
  }
  config.has_placement_controller = false;  // It writes none.
  EXPECT_EQ(Validate(config), absl::OkStatus());
  config.has_placement_controller = true;
  config.is_elected = false;  // The next one waits for no Lease, and holds for longer.
  EXPECT_EQ(Validate(config), absl::OkStatus());
}

struct MinimumCase {
  const char* flag;
  absl::Duration LedgerOptions::*member;
  absl::Duration min;
  friend void PrintTo(const MinimumCase& c, std::ostream* os) { *os << c.flag; }
};

class LedgerMinimum : public testing::TestWithParam<MinimumCase> {};

TEST_P(LedgerMinimum, LessThanTheLedgerCountsOnIsRefused) {
  ExtenderConfig config =
      Elected(absl::Seconds(15), absl::Seconds(10), LedgerOptions().takeover_window);
  absl::Duration& value = config.service.ledger.*GetParam().member;
  EXPECT_GE(value, GetParam().min) << "the default";
  value = GetParam().min;
  EXPECT_EQ(Validate(config), absl::OkStatus());
  value -= absl::Milliseconds(1);
  const absl::Status status = Validate(config);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StrContains(status.message(), GetParam().flag)) << status;
}

INSTANTIATE_TEST_SUITE_P(
    Flags, LedgerMinimum,
    testing::Values(MinimumCase{"--hold-ttl", &LedgerOptions::hold_ttl, kHoldTtlMin},
                    MinimumCase{"--takeover-window", &LedgerOptions::takeover_window,
                                kTakeoverWindowMin}));

TEST(ExtenderConfig, TheLeastTimesLeaveTheWatchItsOwn) {
  EXPECT_GE(kHoldTtlMin, 2 * LedgerOptions().hold_grace);
  EXPECT_GE(kTakeoverWindowMin, LedgerOptions().hold_grace);
}

}  // namespace
}  // namespace pmem::extender
