// SPDX-License-Identifier: Apache-2.0
// How long what is asked of a node may take, as the driver, the agent, the ledger, the manifests
// and the simulator each have it: one of them alone cannot be changed.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "capacity-agent/agent.h"
#include "capacity-agent/report_store.h"
#include "common/io/files.h"
#include "csi-driver/kube_object.h"
#include "csi-driver/volumes.h"
#include "extender/core/ledger.h"
#include "extender/intake/agent_poller.h"
#include "tests/simulator/bounds.h"
#include "tests/support/source_path.h"

namespace pmem::driver {
namespace {

// --timeout of the sidecars in the manifests' base: how long they wait for a call.
std::vector<absl::Duration> SidecarTimeouts() {
  const auto text =
      ReadFile(SourcePath("manifests/base/csi_driver_daemonset.yaml"), int64_t{1} << 20);
  EXPECT_TRUE(text.ok()) << text.status();
  std::vector<absl::Duration> timeouts;
  const std::vector<std::string> parts = absl::StrSplit(text.value_or(""), "--timeout=");
  for (size_t i = 1; i < parts.size(); ++i) {
    absl::Duration timeout;
    EXPECT_TRUE(absl::ParseDuration(parts[i].substr(0, parts[i].find('\n')), &timeout)) << parts[i];
    timeouts.push_back(timeout);
  }
  return timeouts;
}

// A claim that ends after the driver's last look at it had its room taken before. What the agent
// says a debt's time later is of after that.
TEST(CreationTimes, ADebtOutlivesAnAnswerThatSpeaksOfTheTimeBeforeItsClaimEnded) {
  EXPECT_GT(extender::LedgerOptions{}.debt_grace,
            agent::kHoldMax + agent::kWaitGranularity + extender::simulator::kReportDelayMax);
}

TEST(CreationTimes, AnAgentThatReadsWhatChangedIsWaitedFor) {
  EXPECT_LT(agent::kHoldMax + agent::kWaitGranularity, extender::AgentPoller::Options{}.slack);
}

TEST(CreationTimes, ACallIsWaitedForUntilItsTurn) {
  ASSERT_EQ(SidecarTimeouts().size(), 2u);
  // The claim is asked for its class first.
  for (const absl::Duration timeout : SidecarTimeouts()) {
    EXPECT_GT(timeout, kObjectPatience + kGlanceMax + kKindPatience);
  }
}

TEST(CreationTimes, TheSimulatorsNodesTakeRoomAfterADebtForItHasEnded) {
  EXPECT_GT(extender::simulator::kCreationMax,
            extender::LedgerOptions{}.debt_grace + agent::kHoldMax);
  EXPECT_GE(extender::simulator::kTurnMax, kKindPatience);
}

}  // namespace
}  // namespace pmem::driver
