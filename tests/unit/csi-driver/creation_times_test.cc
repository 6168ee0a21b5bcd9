// SPDX-License-Identifier: Apache-2.0
// How long a volume may be in the making, as the driver, the ledger, the manifests and the
// simulator each have it: one of them alone cannot be changed.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "capacity-agent/agent.h"
#include "capacity-agent/device/volume_maker.h"
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

// From the driver's look at a claim until its room is taken, or never will be.
const absl::Duration kAfterTheLook = kClaimPatience + agent::kAllocationMax;

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

TEST(CreationTimes, ADebtOutlivesACreationThatWasBegunBeforeItAndTheReportOfIt) {
  EXPECT_GT(extender::LedgerOptions{}.debt_grace,
            kAfterTheLook + extender::simulator::kReportDelayMax);
}

TEST(CreationTimes, ADebtOutlivesAnAnswerThatSpeaksOfTheTimeBeforeTheCreationEnded) {
  EXPECT_LT(kAfterTheLook + agent::kHoldMax + agent::kWaitGranularity,
            extender::LedgerOptions{}.debt_grace);
}

TEST(CreationTimes, AnAgentThatReadsWhatChangedIsWaitedFor) {
  EXPECT_LT(agent::kHoldMax + agent::kWaitGranularity, extender::AgentPoller::Options{}.slack);
}

TEST(CreationTimes, ACallIsWaitedForUntilItsTurnAndItsRoom) {
  ASSERT_EQ(SidecarTimeouts().size(), 2u);
  // The claim is asked for twice: for its class, too.
  for (const absl::Duration timeout : SidecarTimeouts()) {
    EXPECT_GT(timeout, kClaimPatience + kGlanceMax + kKindPatience + kAfterTheLook);
  }
}

TEST(CreationTimes, TheSimulatorsNodesAreAsSlowAsRealOnesMayBe) {
  EXPECT_GE(extender::simulator::kCreationMax, kAfterTheLook);
  EXPECT_GE(extender::simulator::kTurnMax, kKindPatience);
}

}  // namespace
}  // namespace pmem::driver
