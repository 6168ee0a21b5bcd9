// SPDX-License-Identifier: Apache-2.0
// Objects with sane defaults, for tests: say only what matters.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/pure/capacity_report.h"
#include "common/pure/names.h"
#include "common/pure/units.h"
#include "extender/core/event.h"
#include "extender/core/kube_objects.h"

namespace pmem::extender {

inline constexpr int64_t kTestAlignLvm = 4 * kMiB;
inline constexpr int64_t kTestAlignDirect = 16 * kMiB;

// A UID like the API server's, from a small number.
inline std::string Uid(int number) {
  const std::string digits = std::to_string(number);
  return "00000000-0000-4000-8000-" + std::string(12 - digits.size(), '0') + digits;
}

inline StorageClass MakeClass(const std::string& name, bool waits = true) {
  StorageClass object;
  object.meta.key.name = name;
  object.provisioner = std::string(kDriverName);
  object.is_wait_for_first_consumer = waits;
  return object;
}

inline Claim MakeClaim(int number, int64_t bytes, const std::string& storage_class = "pmem-lvm") {
  Claim claim;
  claim.meta = {.key = {"default", "claim-" + std::to_string(number)}, .uid = Uid(number)};
  claim.storage_class_name = storage_class;
  claim.requested_bytes = bytes;
  claim.access_modes = {"ReadWriteOnce"};
  return claim;
}

// A cluster as the first lists say it: of each kind what a test names, and else nothing but the
// product's classes.
struct ClusterLists {
  std::vector<Node> nodes;
  std::vector<Pod> pods;
  std::vector<Claim> claims;
  std::vector<PersistentVolume> volumes;
  std::vector<StorageClass> classes = {MakeClass("pmem-lvm"), MakeClass("pmem-direct")};
  std::vector<std::string> agents;  // Nodes that have one.
};

// One event a kind: whoever has heard them is synced.
inline std::vector<Event> ListsOf(ClusterLists lists) {
  std::vector<Event> events;
  events.emplace_back(Relisted<Node>{std::move(lists.nodes)});
  events.emplace_back(Relisted<Pod>{std::move(lists.pods)});
  events.emplace_back(Relisted<Claim>{std::move(lists.claims)});
  events.emplace_back(Relisted<PersistentVolume>{std::move(lists.volumes)});
  events.emplace_back(Relisted<StorageClass>{std::move(lists.classes)});
  events.emplace_back(AgentsListed{std::move(lists.agents)});
  return events;
}

// On that node, for claims of the class; nobody has it yet.
inline PersistentVolume MakeVolumeByHand(const std::string& node, int64_t bytes,
                                         const std::string& storage_class = "pmem-lvm") {
  PersistentVolume volume;
  volume.meta.key.name = "by-hand";
  volume.storage_class_name = storage_class;
  volume.capacity_bytes = bytes;
  volume.access_modes = {"ReadWriteOnce"};
  volume.affinity_node = node;
  return volume;
}

inline Pod MakePod(int number, const std::vector<Claim>& claims) {
  Pod pod;
  pod.meta = {.key = {"default", "pod-" + std::to_string(number)}, .uid = Uid(1000000 + number)};
  pod.scheduler_name = "default-scheduler";
  for (const Claim& claim : claims) {
    pod.volumes.push_back({.name = claim.meta.key.name, .claim_name = claim.meta.key.name});
  }
  return pod;
}

inline PoolReport MakeLvmPool(int64_t total_bytes, std::vector<VolumeReport> volumes = {},
                              const std::string& name = "pmemvgregion0") {
  PoolReport pool{.id = "lvm/" + name,
                  .kind = PoolKind::kLvm,
                  .total_bytes = total_bytes,
                  .allocatable_bytes = total_bytes,
                  .available_bytes = total_bytes,
                  .alignment_bytes = kTestAlignLvm,
                  .numa_node = 0,
                  .state = PoolState::kOk,
                  .volumes = std::move(volumes)};
  for (const VolumeReport& volume : pool.volumes) pool.available_bytes -= volume.bytes;
  pool.volume_bytes_max = pool.available_bytes;
  return pool;
}

inline PoolReport MakeDirectPool(std::vector<FreeExtent> extents,
                                 const std::string& name = "region1") {
  PoolReport pool{.id = "direct/" + name,
                  .kind = PoolKind::kDirect,
                  .alignment_bytes = kTestAlignDirect,
                  .numa_node = 1,
                  .state = PoolState::kOk,
                  .free_extents = std::move(extents),
                  .label_slots_free = 1000};
  for (const FreeExtent& extent : pool.free_extents) {
    pool.available_bytes += extent.bytes;
    pool.volume_bytes_max = std::max(pool.volume_bytes_max, extent.bytes);
    pool.total_bytes = extent.offset_bytes + extent.bytes;
  }
  pool.allocatable_bytes = pool.total_bytes;
  return pool;
}

inline ReportReceived MakeReport(const std::string& node, int64_t generation,
                                 std::vector<PoolReport> pools,
                                 const std::string& boot_id = "boot-1") {
  auto report = std::make_shared<CapacityReport>();
  report->node = node;
  report->boot_id = boot_id;
  report->generation = generation;
  report->pools = std::move(pools);
  return {std::move(report)};
}

}  // namespace pmem::extender
