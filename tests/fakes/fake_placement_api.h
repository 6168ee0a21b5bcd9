// SPDX-License-Identifier: Apache-2.0
// The API server as the placement controller writes to it: takes down every call, answers what the
// test wants. Not thread-safe.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "extender/core/placement_api.h"

namespace pmem::extender {

class FakePlacementApi final : public PlacementApi {
 public:
  struct Patched {
    ObjectKey claim;
    std::string json_patch;
    absl::Duration deadline;
  };
  std::vector<Patched> patches;
  std::vector<Notice> notices;
  std::vector<std::string> listed;  // "kube_namespace" or "on <node>", in order.
  int wake_ups = 0;

  std::function<absl::Status(const ObjectKey&)> on_patch = [](const ObjectKey&) {
    return absl::OkStatus();
  };
  std::map<std::string, std::vector<Pod>> pods;     // By kube_namespace.
  std::map<std::string, std::vector<Pod>> pods_on;  // By node.
  absl::Status list_failure;
  std::set<std::string> nodes;  // That there are.
  std::vector<std::string> asked_nodes;
  absl::Status node_failure;
  std::function<void()> on_has_node = [] {};  // Before it is answered.
  std::function<void()> on_list = [] {};      // Before a list of pods is answered.
  absl::Status wake_failure;

  absl::Status PatchClaim(const ObjectKey& claim, const std::string& json_patch,
                          absl::Duration deadline) override {
    patches.push_back({claim, json_patch, deadline});
    return on_patch(claim);
  }
  absl::StatusOr<std::vector<Pod>> ListPods(const std::string& kube_namespace) override {
    listed.push_back(kube_namespace);
    on_list();
    if (!list_failure.ok()) return list_failure;
    return pods[kube_namespace];
  }
  absl::StatusOr<std::vector<Pod>> ListPodsOn(const std::string& node) override {
    listed.push_back("on " + node);
    on_list();
    if (!list_failure.ok()) return list_failure;
    return pods_on[node];
  }
  absl::StatusOr<bool> HasNode(const std::string& node, absl::Duration) override {
    asked_nodes.push_back(node);
    on_has_node();
    if (!node_failure.ok()) return node_failure;
    return nodes.contains(node);
  }
  absl::Status WakeScheduler(int64_t) override {
    ++wake_ups;
    return wake_failure;
  }
  void Tell(const Notice& notice) override { notices.push_back(notice); }
};

}  // namespace pmem::extender
