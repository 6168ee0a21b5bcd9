// SPDX-License-Identifier: Apache-2.0
// What holds the ledger's lock for long, and what those wait who want it meanwhile. No network.
// Prints one JSON object a line; ./dev bench makes a table of them.
//
// usage: lock-benchmark
#include <time.h>

#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/io/clock.h"
#include "common/io/metrics.h"
#include "common/io/mutex.h"
#include "common/pure/check.h"
#include "common/pure/json_writer.h"
#include "extender/core/pinning.h"
#include "extender/placement_controller.h"
#include "tests/benchmark/samples.h"
#include "tests/benchmark/world.h"
#include "tests/fakes/fake_placement_api.h"

namespace pmem::extender {
namespace {

constexpr int kMore = 1000;  // Numbers of claims and pods beside the world's begin here.
constexpr int64_t kTooLarge = 10'000 * kGiB;

const RealClock real_clock;

// Of the processor: what else the machine does is not in it.
absl::Duration ThreadTime() {
  timespec time{};
  PMEM_CHECK(::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0);
  return absl::DurationFromTimespec(time);
}

absl::Duration Time(const std::function<void()>& what) {
  const absl::Time begin = real_clock.SteadyNow();
  what();
  return real_clock.SteadyNow() - begin;
}

void Print(std::string_view what, Samples& samples) {
  JsonWriter line;
  line.BeginObject().String("what", what);
  line.Int("p50_us", static_cast<int64_t>(samples.Quantile(0.5)));
  line.Int("p90_us", static_cast<int64_t>(samples.Quantile(0.9)));
  line.Int("worst_us", static_cast<int64_t>(samples.Quantile(1)));
  std::printf("%s\n", line.EndObject().Take().c_str());
  std::fflush(stdout);
}

std::vector<std::string> Names(int nodes) {
  std::vector<std::string> names;
  for (int i = 0; i < nodes; ++i) names.push_back(BenchmarkNode(i));
  return names;
}

LedgerServiceOptions WithoutTakeover() {
  LedgerServiceOptions options;
  options.ledger.takeover_window = absl::ZeroDuration();
  return options;
}

// The claim is seen, with a pod that uses it, and can be read live.
Pod AddPod(BenchmarkWorld& world, int number, Claim claim) {
  claim.storage_provisioner = std::string(kDriverName);
  claim.meta.resource_version = "1";
  world.service().Emit(Seen<Claim>{claim});
  world.live().Add(claim);
  const Pod pod = MakePod(number, {claim});
  world.service().Emit(Seen<Pod>{pod});
  return pod;
}

absl::Duration TimeFilter(BenchmarkWorld& world, const Pod& pod,
                          const std::vector<std::string>& names) {
  const std::vector<std::string_view> nodes(names.begin(), names.end());
  return Time([&] {
    const auto answer = world.service().Filter(pod, nodes, LedgerService::Patience::kBlocks);
    PMEM_CHECK(answer.has_value() && answer->error.empty());
  });
}

// The lock is held for all of a plan, and let go before the next.
void MeasurePlans(int nodes, int claims, int sizes) {
  BenchmarkWorld world(nodes, WithoutTakeover());
  StorageClass now = MakeClass("now", false);
  now.parameters = {{"pmemType", "lvm"}};
  world.service().Emit(Seen<StorageClass>{now});
  for (int i = 0; i < claims; ++i) {
    AddPod(world, kMore + i, MakeClaim(kMore + i, kTooLarge + i % sizes * kGiB, "now"));
  }
  PinMemory memory;
  Samples plans, rounds, plans_cpu;
  for (int round = 0; round < 3; ++round) {
    rounds.Add(Time([&] {
      for (bool is_over = false; !is_over;) {
        const absl::Duration cpu_before = ThreadTime();
        plans.Add(Time([&] {
          is_over = world.service().Write([&](Ledger& ledger, absl::Time at) {
            return PlanPins(ledger, {}, {}, {}, memory, at).is_round_over;
          });
        }));
        plans_cpu.Add(ThreadTime() - cpu_before);
      }
    }));
  }
  const std::string which = absl::StrCat(claims, " Immediate claims of ", sizes,
                                         " sizes that fit nowhere, ", nodes, " nodes");
  Print(absl::StrCat("a plan for ", which), plans);
  Print("the same, processor time", plans_cpu);
  Print(absl::StrCat("a round of plans for ", which), rounds);
}

constexpr absl::Duration kBetweenCalls = absl::Milliseconds(100);

void Pass(absl::Duration duration) {
  Mutex mu;
  CondVar nobody_signals;
  MutexLock lock(&mu);
  nobody_signals.WaitWithTimeout(&mu, duration);
}

// As often as a scheduler asks, while the placement controller looks at pods that were refused.
void MeasureFilterBesideRefused(int nodes, int refused, int calls) {
  BenchmarkWorld world(nodes, WithoutTakeover());
  for (int i = 0; i < refused; ++i) {
    const Pod pod = AddPod(world, kMore + i, MakeClaim(kMore + i, kTooLarge + i * kGiB));
    world.service().Write(
        [&](Ledger& ledger, absl::Time now) { ledger.NoteRefused(pod, true, 0, now); });
  }
  FakePlacementApi api;
  Metrics metrics("benchmark", "1");
  PlacementController controller({}, &world.service(), &api, &real_clock, &metrics);
  controller.Start();
  const std::vector<std::string> names = Names(nodes);
  Samples samples;
  for (int i = 0; i < calls; ++i) {
    Pass(kBetweenCalls);  // What the last call changed is being looked at by then.
    samples.Add(TimeFilter(world, world.pod(), names));
  }
  controller.Stop();
  Print(absl::StrCat("filter of a pod that fits, ", refused, " refused pods, ", nodes, " nodes"),
        samples);
}

// On each node one PersistentVolume that somebody made, too small for the claim: each is looked at.
void MeasureFilterBesideStatic(int nodes, int calls) {
  BenchmarkWorld world(nodes, WithoutTakeover());
  for (int i = 0; i < nodes; ++i) {
    PersistentVolume volume = MakeVolumeByHand(BenchmarkNode(i), kGiB);
    volume.meta.key.name = absl::StrCat("by-hand-", i);
    world.service().Emit(Seen<PersistentVolume>{volume});
  }
  const std::vector<std::string> names = Names(nodes);
  Samples samples;
  for (int i = 0; i < calls; ++i) samples.Add(TimeFilter(world, world.pod(), names));
  Print(absl::StrCat("filter, a PersistentVolume made by hand on each of ", nodes, " nodes"),
        samples);
}

// What others hold is waited for, too: as long as hold_wait_max.
void MeasureTakeover(int nodes, int claims) {
  BenchmarkWorld world(nodes);
  world.service().SetLeading(false);
  for (int i = 0; i < claims; ++i) AddPod(world, kMore + i, MakeClaim(kMore + i, 10 * kGiB));
  const std::vector<std::string> names = Names(nodes);
  Samples samples;
  world.service().SetLeading(true);
  samples.Add(TimeFilter(world, world.pod(), names));
  Print(absl::StrCat("first filter of a takeover, ", claims, " open claims, ", nodes, " nodes"),
        samples);
}

}  // namespace
}  // namespace pmem::extender

int main() {
  pmem::TrustLockOrder();
  pmem::extender::MeasurePlans(5000, 1000, 30);
  pmem::extender::MeasureFilterBesideRefused(5000, 64, 25);
  pmem::extender::MeasureTakeover(1000, 300);
  pmem::extender::MeasureFilterBesideStatic(2000, 25);
  pmem::extender::MeasureFilterBesideStatic(5000, 25);
  return 0;
}
