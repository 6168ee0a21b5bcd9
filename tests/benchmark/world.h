// SPDX-License-Identifier: Apache-2.0
// A cluster of any size for benchmarks: every node has both pools with four volumes each. The API
// server and the agents are stood in for by the events that they would cause.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/io/clock.h"
#include "extender/ledger_service.h"
#include "tests/fakes/fake_live_reader.h"
#include "tests/support/builders.h"

namespace pmem::extender {

inline constexpr int kBenchmarkVolumesPerPool = 4;

// About as long as the names of a cloud's nodes: 28 bytes.
inline std::string BenchmarkNode(int number) {
  return absl::StrFormat("node-%06d.pmem.example.org", number);
}

class BenchmarkWorld {
 public:
  explicit BenchmarkWorld(int nodes, const LedgerServiceOptions& options = {})
      : service_(options, &live_, &clock_) {
    live_.Hold({lvm_, direct_});
    ClusterLists lists{.claims = {lvm_, direct_}};
    for (int i = 0; i < nodes; ++i) {
      lists.agents.push_back(BenchmarkNode(i));
      Node node;
      node.meta.key.name = lists.agents.back();
      lists.nodes.push_back(std::move(node));
    }
    for (Event& event : ListsOf(std::move(lists))) service_.Emit(std::move(event));
    for (int i = 0; i < nodes; ++i) service_.Emit(ReportOf(i, 1));
    service_.SetLeading(true);
  }

  FakeLiveReader& live() { return live_; }

  LedgerService& service() { return service_; }
  // The pod that asks for both kinds.
  Pod pod() const { return MakePod(1, {lvm_, direct_}); }

  static ReportReceived ReportOf(int number, int64_t generation) {
    std::vector<VolumeReport> lvm, direct;
    for (int v = 0; v < kBenchmarkVolumesPerPool; ++v) {
      const int uid = 100'000'000 + number * 2 * kBenchmarkVolumesPerPool + v;
      lvm.push_back({absl::StrCat("disk-", Uid(uid)), 10 * kGiB});
      direct.push_back({absl::StrCat("disk-", Uid(uid + kBenchmarkVolumesPerPool)), 9 * kGiB});
    }
    // Rooms differ, so that scores do.
    PoolReport region = MakeDirectPool({{36 * kGiB, (200 + number % 97) * kGiB}});
    region.volumes = std::move(direct);
    return MakeReport(BenchmarkNode(number), generation,
                      {MakeLvmPool((500 + number % 89) * kGiB, std::move(lvm)), std::move(region)});
  }

 private:
  const RealClock clock_;
  FakeLiveReader live_;
  LedgerService service_;
  const Claim lvm_ = MakeClaim(1, 10 * kGiB);
  const Claim direct_ = MakeClaim(2, 9 * kGiB, "pmem-direct");
};

}  // namespace pmem::extender
