// SPDX-License-Identifier: Apache-2.0
// What a world consists of and what goes wrong in it: drawn from the seed, then narrowed by hand or
// by the search for a smaller failure.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace pmem::extender::simulator {

// One fault or peculiarity of the world each, by its name.
inline constexpr std::string_view kFeatures[] = {
    "late_reports",       // Reports up to 5 s late, in any order.
    "lost_reports",       // Some never come; the next poll brings what is true then.
    "silent_agents",      // An agent is down for up to a minute.
    "reboots",            // New boot id; reports of the old boot may still be on their way.
    "late_watches",       // Events up to 3 s late, each kind by itself.
    "duplicates",         // Events come twice.
    "watch_gaps",         // Events are lost; a relist makes up for them (410 Gone).
    "no_nomination",      // The scheduler does not write nominatedNodeName.
    "preset_nomination",  // Somebody else presets it.
    "abandoned",          // Attempts end after the filter, the nomination or the first write.
    "conflicts",          // Writes of the scheduler fail with 409 although nobody raced them.
    "samples",            // The scheduler asks about some nodes only.
    "slow_provisioner",   // A creation waits up to 30 s for its turn, and takes up to 60 s.
    "odd_devices",        // The node takes any pool and extent that fits, not the best.
    "many_pools",         // Two VolumeGroups and two regions a node.
    "direct",             // PMEM-direct claims.
    "immediate",          // Claims that bind immediately: our placement controller's.
    "many_claims",        // Up to three claims a pod.
    "shared_claims",      // Pods that use another pod's claim.
    "deletes",            // Pods and claims are deleted at any time.
    "recreates",          // ... and created again under the same name.
    "expansions",         // Bound claims grow; some are asked for less meanwhile.
    "hand_pins",          // Users write or remove selected-node.
    "hand_volumes",       // Users create volumes on the nodes.
    "restarts",           // The extender is killed and starts anew.
    "failovers",          // Another replica becomes the leader.
    "two_schedulers",     // Up to three, each with pods of its own.
    "preset_nodes",       // Pods that come with spec.nodeName.
    "volume_gaps",        // The watch of PersistentVolumes alone is gone for up to 10 s.
    "slow_expansions",    // They take up to 10 s, and one is asked for whenever a leader goes.
    "co_location",        // Up to three pods come with one claim for all; it may be Immediate.
    "pod_groups",         // Up to three pods are asked about one by one and go all or none.
    "lost_nodes",         // A node goes: for good, for a while, or until another takes its name.
    "lost_agents",        // Its agent alone goes for a while, as when it is not among the listed.
    "new_nodes",          // Nodes join.
    "static_volumes",     // Users make PersistentVolumes for volumes that they made on a node, and
                          // take claimRefs away.
    "lost_volumes",       // Users delete volumes on the nodes, whatever is bound to them.
    "blind_takeovers",    // The next leader's watches tell nothing in the 3 s before it leads.
    "half_made",          // A driver is killed while it makes a volume, and begins it anew.
};

struct Plan {
  uint64_t seed = 0;
  int nodes = 1;
  int pods = 1;
  int fill_percent = 100;  // What the pods ask for at one time, of what there is.
  std::set<std::string, std::less<>> features;

  bool Has(std::string_view feature) const { return features.contains(feature); }
};

// What is fixed although the seed would draw something else.
struct Narrowing {
  int nodes = 0;  // 0: as drawn.
  int pods = 0;
  std::set<std::string, std::less<>> without;
  // Every feature on that is not in `without`.
  bool with_all = false;
};

Plan MakePlan(uint64_t seed, const Narrowing& narrowing);

// "--seed 7 --nodes 2 --without reboots,direct": what makes this world again.
std::string ArgumentsOf(uint64_t seed, const Narrowing& narrowing);

}  // namespace pmem::extender::simulator
