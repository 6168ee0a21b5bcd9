// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/core/report_builder.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "capacity-agent/core/free_extents.h"
#include "capacity-agent/core/hidden_groups.h"
#include "capacity-agent/core/own_groups.h"
#include "common/pure/absl_view.h"
#include "common/pure/units.h"

namespace pmem::agent {
namespace {

constexpr std::string_view kUnknownTrouble = "its last reading failed; the numbers are older";

// Two VolumeGroups may have one name, as those of NVDIMMs that came from another node: init gives
// the same names everywhere. A pool's id is its name, and LVM itself takes either for the other.
constexpr std::string_view kNamesakeTrouble =
    "two VolumeGroups have this name: give one another (vgs -o vg_name,vg_uuid; vgrename UUID NEW)";

void JoinNamesake(VolumeGroup other, VolumeGroup* group) {
  group->condition = {PoolState::kUnhealthy, std::string(kNamesakeTrouble)};
  group->total_bytes = AddBytes(group->total_bytes, other.total_bytes);
  group->available_bytes = AddBytes(group->available_bytes, other.available_bytes);
  for (std::string& device : other.block_devices) {
    group->block_devices.push_back(std::move(device));
  }
  for (VolumeReport& volume : other.volumes) group->volumes.push_back(std::move(volume));
  for (ThinPool& thin : other.thin_pools) {
    const bool is_known =
        std::any_of(group->thin_pools.begin(), group->thin_pools.end(),
                    [&thin](const ThinPool& known) { return known.name == thin.name; });
    if (!is_known) group->thin_pools.push_back(std::move(thin));
  }
}

// The builder's state while it goes through one reading.
class Builder {
 public:
  Builder(const BuilderOptions& options, const Reading& reading, const CapacityReport* previous)
      : options_(options), reading_(reading), devices_(reading.devices), previous_(previous) {
    if (reading.has_regions) KeepOwnGroups(&devices_);
    AddHiddenByName(options.volume_groups, options.regions, &devices_);
  }
  CapacityReport Build();

 private:
  void TakeOurs(const VolumeGroup& group);
  void AddVolumeGroup(VolumeGroup group);
  void AddThinPool(const VolumeGroup& group, const ThinPool& thin);
  void AddRegion(const Region& region);
  void AddPool(PoolReport pool, Condition condition, bool is_stale);
  void JoinCarriers(VolumeGroup* group) const;
  bool IsOnlyUnderVolumeGroups(const Region& region, const PoolReport& pool) const;
  const PoolReport* Previous(const std::string& id) const;

  const BuilderOptions& options_;
  const Reading& reading_;
  DeviceState devices_;
  const CapacityReport* const previous_;
  std::vector<VolumeGroup> our_groups_;
  CapacityReport report_;
};

// A VolumeGroup takes over the NUMA node of the regions under it, and what is wrong with them.
void Builder::JoinCarriers(VolumeGroup* group) const {
  std::optional<int> numa_node = group->numa_node;
  bool is_first = true;
  for (const Region& region : devices_.regions) {
    if (!Carries(region, *group)) continue;
    numa_node = is_first || numa_node == region.numa_node ? region.numa_node : std::nullopt;
    is_first = false;
    const PoolState state = region.condition.state;
    // A VolumeGroup needs no labels.
    const bool is_fit = state == PoolState::kOk || state == PoolState::kLabelLess;
    if (!is_fit && group->condition.state == PoolState::kOk) {
      group->condition = {state, absl::StrCat(region.name, ": ", region.condition.trouble)};
    }
  }
  group->numa_node = numa_node;
}

// Numbers that contradict each other never leave: the smaller one counts.
void ClampSums(PoolReport* pool) {
  pool->allocatable_bytes = std::min(pool->allocatable_bytes, pool->total_bytes);
  pool->available_bytes = std::min(pool->available_bytes, pool->allocatable_bytes);
  pool->volume_bytes_max = std::min(pool->volume_bytes_max, pool->available_bytes);
}

void Builder::AddPool(PoolReport pool, Condition condition, bool is_stale) {
  ClampSums(&pool);
  if (condition.state != PoolState::kOk) pool.volume_bytes_max = 0;
  if (is_stale) condition = {PoolState::kUnknown, std::string(kUnknownTrouble)};
  pool.state = condition.state;
  if (pool.state != PoolState::kOk) {
    report_.errors.push_back({pool.id, std::move(condition.trouble)});
  }
  std::stable_sort(pool.volumes.begin(), pool.volumes.end(),
                   [](const VolumeReport& a, const VolumeReport& b) { return a.name < b.name; });
  report_.pools.push_back(std::move(pool));
}

void Builder::AddThinPool(const VolumeGroup& group, const ThinPool& thin) {
  PoolReport pool = {
      .id = absl::StrCat(AbslView(PoolKindName(PoolKind::kLvm)), "/", group.name, "/", thin.name),
      .kind = PoolKind::kLvm,
      .total_bytes = thin.total_bytes,
      .allocatable_bytes = thin.total_bytes,
      .available_bytes = thin.available_bytes,
      .volume_bytes_max = 0,  // See PoolReport::thin.
      .alignment_bytes = group.extent_bytes,
      .numa_node = group.numa_node,
      .thin = true,
      .volumes = thin.volumes,
  };
  const bool group_is_ok = group.condition.state == PoolState::kOk;
  AddPool(std::move(pool), group_is_ok ? thin.condition : group.condition,
          reading_.volume_groups_are_stale);
}

void Builder::TakeOurs(const VolumeGroup& group) {
  const auto namesake =
      std::find_if(our_groups_.begin(), our_groups_.end(),
                   [&group](const VolumeGroup& known) { return known.name == group.name; });
  if (namesake == our_groups_.end()) {
    our_groups_.push_back(group);
  } else {
    JoinNamesake(group, &*namesake);
  }
}

void Builder::AddVolumeGroup(VolumeGroup group) {
  JoinCarriers(&group);
  for (const ThinPool& thin : group.thin_pools) AddThinPool(group, thin);
  PoolReport pool = {
      .id = absl::StrCat(AbslView(PoolKindName(PoolKind::kLvm)), "/", group.name),
      .kind = PoolKind::kLvm,
      .total_bytes = group.total_bytes,
      .allocatable_bytes = AlignDown(group.total_bytes, group.extent_bytes),
      .available_bytes = AlignDown(group.available_bytes, group.extent_bytes),
      .volume_bytes_max = AlignDown(group.available_bytes, group.extent_bytes),
      .alignment_bytes = group.extent_bytes,
      .numa_node = group.numa_node,
      .volumes = std::move(group.volumes),
  };
  AddPool(std::move(pool), std::move(group.condition), reading_.volume_groups_are_stale);
}

const PoolReport* Builder::Previous(const std::string& id) const {
  if (previous_ == nullptr) return nullptr;
  const auto found = std::find_if(previous_->pools.begin(), previous_->pools.end(),
                                  [&id](const PoolReport& pool) { return pool.id == id; });
  return found == previous_->pools.end() ? nullptr : &*found;
}

// Free space of a region, from its namespaces if they account for all of it, else from the kernel.
void FillFreeSpace(const Region& region, PoolReport* pool, Condition* condition) {
  const int64_t alignment = region.alignment_bytes;
  auto extents = FreeExtents(region.total_bytes, alignment, region.nvdimm_namespaces);
  const bool is_consistent =
      extents && (!region.available_bytes || SumBytes(*extents) <= *region.available_bytes);
  if (is_consistent) {
    pool->available_bytes = SumBytes(*extents);
    pool->volume_bytes_max = LargestBytes(*extents);
    pool->free_extents = *std::move(extents);
  } else if (region.available_bytes && region.extent_bytes_max) {
    pool->available_bytes = AlignDown(*region.available_bytes, alignment);
    pool->volume_bytes_max = AlignDown(*region.extent_bytes_max, alignment);
  } else if (condition->state == PoolState::kOk) {
    *condition = {PoolState::kUnknown, "the kernel does not tell how much is free"};
  }
  if (region.label_slots_free == 0) pool->volume_bytes_max = 0;
}

void Builder::AddRegion(const Region& region) {
  PoolReport pool = {
      .id = absl::StrCat(AbslView(PoolKindName(PoolKind::kDirect)), "/", region.name),
      .kind = PoolKind::kDirect,
      .total_bytes = region.total_bytes,
      .allocatable_bytes = AlignDown(region.total_bytes, region.alignment_bytes),
      .alignment_bytes = region.alignment_bytes,
      .numa_node = region.numa_node,
      .label_slots_free = region.label_slots_free,
  };
  Condition condition = region.condition;
  FillFreeSpace(region, &pool, &condition);
  for (const NvdimmNamespace& each : region.nvdimm_namespaces) {
    pool.volumes.push_back({each.alt_name.empty() ? each.device_name : each.alt_name, each.bytes});
  }
  const PoolReport* const previous = Previous(pool.id);
  if (condition.state == PoolState::kInactive && pool.volumes.empty() && previous != nullptr) {
    pool.volumes = previous->volumes;
  }
  if (IsOnlyUnderVolumeGroups(region, pool)) return;
  AddPool(std::move(pool), std::move(condition), reading_.regions_are_stale);
}

bool Builder::IsOnlyUnderVolumeGroups(const Region& region, const PoolReport& pool) const {
  if (region.nvdimm_namespaces.empty() || pool.volume_bytes_max > 0) return false;
  return std::all_of(region.nvdimm_namespaces.begin(), region.nvdimm_namespaces.end(),
                     [this](const NvdimmNamespace& each) {
                       return std::any_of(
                           our_groups_.begin(), our_groups_.end(),
                           [&each](const VolumeGroup& group) { return Carries(each, group); });
                     });
}

// What a reader would refuse as too large is cut here, and says so.
void LimitErrors(std::vector<ReportError>* errors) {
  if (static_cast<int64_t>(errors->size()) > kReportErrorsMax) {
    errors->resize(kReportErrorsMax);
    errors->back().message = "more errors are left out";
  }
  for (ReportError& error : *errors) {
    if (static_cast<int64_t>(error.message.size()) > kReportMessageBytesMax) {
      error.message.resize(kReportMessageBytesMax);
    }
  }
}

CapacityReport Builder::Build() {
  report_.node = options_.node;
  report_.boot_id = options_.boot_id;
  // The wire has milliseconds.
  report_.observed_at = absl::FromUnixMillis(absl::ToUnixMillis(reading_.observed_at));
  report_.errors = reading_.errors;
  for (const VolumeGroup& group : devices_.volume_groups) {
    if (options_.volume_groups.Cover(group.name)) TakeOurs(group);
  }
  for (const VolumeGroup& group : our_groups_) AddVolumeGroup(group);
  for (const Region& region : devices_.regions) {
    if (options_.regions.Cover(region.name)) AddRegion(region);
  }
  LimitErrors(&report_.errors);
  std::stable_sort(report_.pools.begin(), report_.pools.end(),
                   [](const PoolReport& a, const PoolReport& b) { return a.id < b.id; });
  std::stable_sort(report_.errors.begin(), report_.errors.end(),
                   [](const ReportError& a, const ReportError& b) {
                     return std::tie(a.source, a.message) < std::tie(b.source, b.message);
                   });
  return std::move(report_);
}

}  // namespace

CapacityReport BuildReport(const BuilderOptions& options, const Reading& reading,
                           const CapacityReport* previous) {
  CapacityReport report = Builder(options, reading, previous).Build();
  if (previous == nullptr) {
    report.generation = options.first_generation;
  } else {
    report.generation = previous->generation + (SameContent(*previous, report) ? 0 : 1);
  }
  return report;
}

}  // namespace pmem::agent
