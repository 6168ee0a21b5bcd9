// SPDX-License-Identifier: Apache-2.0
// A placement controller over fakes, synced and leading; its rounds are run by the test.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "extender/placement_controller.h"
#include "tests/fakes/fake_placement_api.h"
#include "tests/unit/extender/service_testing.h"

namespace pmem::extender {

class PlacementControllerTest : public testing::Test, public ServiceFixture {
 protected:
  PlacementControllerTest() { Begin(); }

  Claim AddImmediate(int number, int64_t bytes = 10 * kGiB) {
    Claim claim = MakeClaim(number, bytes, "now");
    claim.meta.resource_version = std::to_string(number * 100);
    claim.storage_provisioner = std::string(kDriverName);
    claim.has_annotations = true;
    Emit(Seen<Claim>{claim});
    return claim;
  }

  Pod AddPodOf(int number, const std::vector<Claim>& claims, int64_t cpu_milli = 0) {
    Pod pod = MakePod(number, claims);
    pod.requested_cpu_milli = cpu_milli;
    Emit(Seen<Pod>{pod});
    return pod;
  }

  std::vector<std::string> PatchedClaims() const {
    std::vector<std::string> names;
    for (const auto& patch : api_.patches) names.push_back(patch.claim.name);
    return names;
  }

  // Without those of the takeover, which end by themselves.
  int64_t Holds() {
    return service.Read([](const Ledger& ledger, absl::Time) {
      const auto& holds = ledger.holds().holds();
      return std::count_if(holds.begin(), holds.end(), [](const auto& entry) {
        return KindOfOwner(entry.first) != OwnerKind::kTakeover;
      });
    });
  }

  // How many lists of pods are asked for in that time.
  size_t ListsWithin(absl::Duration duration) {
    const size_t before = api_.listed.size();
    for (const absl::Time end = clock.SteadyNow() + duration; clock.SteadyNow() < end;) {
      clock.Advance(absl::Milliseconds(500));
      controller_.Tick();
    }
    return api_.listed.size() - before;
  }

  using Names = std::vector<std::string>;
  FakePlacementApi api_;
  Metrics metrics_{"test", "1"};
  PlacementController controller_{{}, &service, &api_, &clock, &metrics_};
};

}  // namespace pmem::extender
