// SPDX-License-Identifier: Apache-2.0
#include "tests/simulator/devices.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "common/pure/names.h"
#include "common/pure/units.h"

namespace pmem::extender::simulator {
namespace {

constexpr int64_t kGroupStep = 4 * kMiB;
constexpr int64_t kRegionStep = 16 * kMiB;
constexpr int kPackStepsMax = 200000;

// Tries every way, but each state once.
class Packer {
 public:
  Packer(std::vector<int64_t> gaps, const std::vector<std::vector<int64_t>>& needs)
      : gaps_(std::move(gaps)), needs_(needs) {}

  // nullopt: gave up.
  std::optional<bool> Run(size_t depth) {
    if (depth == needs_.size()) return true;
    std::vector<int64_t> state = gaps_;
    std::sort(state.begin(), state.end());
    if (!seen_.insert({depth, std::move(state)}).second) return false;
    for (size_t gap = 0; gap < gaps_.size(); ++gap) {
      const int64_t need = needs_[depth][gap];
      if (need < 0 || need > gaps_[gap]) continue;
      if (++steps_ > kPackStepsMax) return std::nullopt;
      gaps_[gap] -= need;
      const std::optional<bool> rest = Run(depth + 1);
      gaps_[gap] += need;
      if (!rest || *rest) return rest;
    }
    return false;
  }

 private:
  std::vector<int64_t> gaps_;
  const std::vector<std::vector<int64_t>>& needs_;  // One a want and gap; -1: another kind.
  std::set<std::pair<size_t, std::vector<int64_t>>> seen_;
  int steps_ = 0;
};

}  // namespace

void Devices::AddGroup(const std::string& name, int64_t bytes) {
  pools_.push_back({.id = "lvm/" + name,
                    .kind = PoolKind::kLvm,
                    .bytes = bytes / kGroupStep * kGroupStep,
                    .step = kGroupStep,
                    .slots = INT64_MAX});
}

void Devices::AddRegion(const std::string& name, int64_t bytes, int64_t label_slots) {
  pools_.push_back({.id = "direct/" + name,
                    .kind = PoolKind::kDirect,
                    .bytes = bytes / kRegionStep * kRegionStep,
                    .step = kRegionStep,
                    .slots = label_slots});
}

int64_t Devices::RoundUp(int64_t bytes, int64_t step) {
  return std::max(step, (bytes + step - 1) / step * step);
}

int64_t Devices::UsedBytes(const Pool& pool) {
  int64_t used = 0;
  for (const Volume& volume : pool.volumes) used += volume.bytes;
  return used;
}

std::vector<Devices::Gap> Devices::Gaps(const Pool& pool, size_t index) const {
  if (pool.kind == PoolKind::kLvm) return {{index, 0, pool.bytes - UsedBytes(pool)}};
  std::vector<Gap> gaps;
  int64_t end = 0;
  for (const Volume& volume : pool.volumes) {
    if (volume.offset > end) gaps.push_back({index, end, volume.offset - end});
    end = volume.offset + volume.bytes;
  }
  if (pool.bytes > end) gaps.push_back({index, end, pool.bytes - end});
  return gaps;
}

std::vector<Devices::Gap> Devices::AllGaps() const {
  std::vector<Gap> all;
  for (size_t i = 0; i < pools_.size(); ++i) {
    const std::vector<Gap> gaps = Gaps(pools_[i], i);
    all.insert(all.end(), gaps.begin(), gaps.end());
  }
  return all;
}

void Devices::Insert(Pool& pool, Volume volume) {
  const auto is_before = [](const Volume& a, const Volume& b) { return a.offset < b.offset; };
  pool.volumes.insert(std::upper_bound(pool.volumes.begin(), pool.volumes.end(), volume, is_before),
                      volume);
}

bool Devices::Create(const Want& want, const std::string& name, Choice choice, absl::Time now,
                     Random& random) {
  if (Has(name)) return true;
  std::vector<Gap> fitting;
  for (const Gap& gap : AllGaps()) {
    const Pool& pool = pools_[gap.pool];
    const bool has_slot = static_cast<int64_t>(pool.volumes.size()) < pool.slots;
    if (pool.kind == want.kind && has_slot && RoundUp(want.bytes, pool.step) <= gap.bytes) {
      fitting.push_back(gap);
    }
  }
  if (fitting.empty()) return false;
  const auto is_smaller = [](const Gap& a, const Gap& b) { return a.bytes < b.bytes; };
  const Gap gap = choice == Choice::kAny
                      ? random.Pick(fitting)
                      : *std::min_element(fitting.begin(), fitting.end(), is_smaller);
  Pool& pool = pools_[gap.pool];
  Insert(pool, {name, gap.offset, RoundUp(want.bytes, pool.step), now});
  return true;
}

bool Devices::Expand(const std::string& name, int64_t bytes) {
  for (Pool& pool : pools_) {
    for (Volume& volume : pool.volumes) {
      if (volume.name != name) continue;
      const int64_t more = RoundUp(bytes, pool.step) - volume.bytes;
      if (pool.kind != PoolKind::kLvm || more > pool.bytes - UsedBytes(pool)) return false;
      volume.bytes += std::max<int64_t>(0, more);
      return true;
    }
  }
  return false;
}

void Devices::Delete(const std::string& name) {
  for (Pool& pool : pools_) {
    std::erase_if(pool.volumes, [&name](const Volume& volume) { return volume.name == name; });
  }
}

void Devices::Clear() {
  for (Pool& pool : pools_) pool.volumes.clear();
}

bool Devices::Has(const std::string& name) const {
  return std::any_of(pools_.begin(), pools_.end(), [&name](const Pool& pool) {
    return std::any_of(pool.volumes.begin(), pool.volumes.end(),
                       [&name](const Volume& volume) { return volume.name == name; });
  });
}

bool Devices::HasVolumes() const {
  return std::any_of(pools_.begin(), pools_.end(),
                     [](const Pool& pool) { return !pool.volumes.empty(); });
}

Devices Devices::WithoutHalfMade() const {
  Devices whole = *this;
  for (Pool& pool : whole.pools_) {
    std::erase_if(pool.volumes,
                  [](const Volume& volume) { return volume.name.starts_with(kUnfinishedPrefix); });
  }
  return whole;
}

std::optional<bool> Devices::CanHold(std::vector<Want> wants) const {
  std::sort(wants.begin(), wants.end(),
            [](const Want& a, const Want& b) { return a.bytes > b.bytes; });
  const std::vector<Gap> gaps = WithoutHalfMade().AllGaps();
  std::vector<int64_t> free;
  for (const Gap& gap : gaps) free.push_back(gap.bytes);
  std::vector<std::vector<int64_t>> needs;
  for (const Want& want : wants) {
    needs.emplace_back();
    for (const Gap& gap : gaps) {
      const Pool& pool = pools_[gap.pool];
      needs.back().push_back(pool.kind == want.kind ? RoundUp(want.bytes, pool.step) : -1);
    }
  }
  return Packer(std::move(free), needs).Run(0);
}

std::optional<bool> Devices::CouldHold(std::vector<Want> wants, absl::Time since) const {
  Devices before = WithoutHalfMade();
  for (Pool& pool : before.pools_) {
    for (const Volume& volume : pool.volumes) {
      if (volume.made_at > since) wants.push_back({volume.name, pool.kind, volume.bytes});
    }
    std::erase_if(pool.volumes, [since](const Volume& volume) { return volume.made_at > since; });
  }
  return before.CanHold(std::move(wants));
}

std::vector<PoolReport> Devices::Pools() const {
  std::vector<PoolReport> reports;
  for (size_t i = 0; i < pools_.size(); ++i) {
    const Pool& pool = pools_[i];
    PoolReport report{.id = pool.id,
                      .kind = pool.kind,
                      .total_bytes = pool.bytes,
                      .allocatable_bytes = pool.bytes,
                      .available_bytes = pool.bytes - UsedBytes(pool),
                      .alignment_bytes = pool.step,
                      .state = PoolState::kOk};
    for (const Volume& volume : pool.volumes) report.volumes.push_back({volume.name, volume.bytes});
    for (const Gap& gap : Gaps(pool, i)) {
      report.volume_bytes_max = std::max(report.volume_bytes_max, gap.bytes);
      if (pool.kind == PoolKind::kDirect) report.free_extents.push_back({gap.offset, gap.bytes});
    }
    if (pool.kind == PoolKind::kDirect) {
      report.label_slots_free = pool.slots - static_cast<int64_t>(pool.volumes.size());
    }
    reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace pmem::extender::simulator
