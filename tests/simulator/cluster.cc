// SPDX-License-Identifier: Apache-2.0
#include "tests/simulator/cluster.h"

#include "absl/strings/str_cat.h"
#include "common/pure/names.h"

namespace pmem::extender::simulator {
namespace {

constexpr uint64_t kClusterSalt = 6;
constexpr absl::Duration kAwayMin = absl::Milliseconds(200);
constexpr absl::Duration kAwayMax = absl::Seconds(40);

}  // namespace

Cluster::Cluster(Stage& stage, Agents& agents, Provisioner& provisioner)
    : stage_(stage),
      agents_(agents),
      provisioner_(provisioner),
      random_(stage.plan.seed, kClusterSalt) {}

void Cluster::Build(int number) {
  const bool has_many = stage_.plan.Has("many_pools");
  const std::string name = absl::StrCat("n", number);
  Node node;
  node.meta = {.key = {"", name}, .uid = "node-" + name};
  node.labels[std::string(kHostnameLabel)] = name;
  node.allocatable_cpu_milli = 64'000;
  node.allocatable_memory_bytes = int64_t{256} << 30;
  nodes_[name] = node;
  stage_.kube.Create(node);
  Devices& devices = stage_.devices[name];
  const int64_t bytes = stage_.plan.Has("direct") ? kNodeBytes / 2 : kNodeBytes;
  const int64_t first = has_many ? bytes / 100 * random_.Between(30, 70) : bytes;
  devices.AddGroup("pmemvgregion0", first);
  if (has_many) devices.AddGroup("pmemvgregion1", bytes - first);
  if (!stage_.plan.Has("direct")) return;
  devices.AddRegion("region2", first, 1000);
  if (has_many) devices.AddRegion("region3", bytes - first, 1000);
}

void Cluster::Join() {
  const int number = static_cast<int>(nodes_.size()) + 1;
  Build(number);
  const std::string name = absl::StrCat("n", number);
  stage_.Tell(absl::StrCat("node ", name, " joins"));
  agents_.Add(name);
}

std::string Cluster::AnyNode() {
  auto it = nodes_.begin();
  std::advance(it, random_.Below(static_cast<int64_t>(nodes_.size())));
  return it->first;
}

void Cluster::LoseAny() {
  const std::string name = AnyNode();
  if (stage_.kube.nodes().contains(name)) Lose(name);
}

// What runs on it may go on all the same: somebody only deleted the Node.
void Cluster::Lose(const std::string& name) {
  stage_.Tell(absl::StrCat("node ", name, " goes"));
  if (random_.Chance(70)) stage_.off.insert(name);
  stage_.kube.DeleteNode(name);
  agents_.Remove(name);
  if (random_.Chance(30)) return;
  stage_.agenda.After(random_.Between(kAwayMin, kAwayMax), [this, name] { Return(name); });
}

void Cluster::Return(const std::string& name) {
  if (stage_.is_over) return;
  const bool was_off = stage_.off.erase(name) > 0;
  const bool is_blank = was_off && random_.Chance(30);
  stage_.Tell(absl::StrCat("node ", name, is_blank ? " is there again, empty" : " is there again"));
  if (is_blank) stage_.devices.at(name).Clear();
  stage_.kube.Create(nodes_.at(name));
  if (was_off) agents_.Reboot(name);
  agents_.Add(name);
  provisioner_.Resume(name);
}

void Cluster::LoseAnyAgent() {
  const std::string name = AnyNode();
  if (!agents_.IsListed(name)) return;
  stage_.Tell(absl::StrCat("the agent of ", name, " goes"));
  agents_.Remove(name);
  stage_.agenda.After(random_.Between(kAwayMin, kAwayMax), [this, name] {
    if (stage_.kube.nodes().contains(name)) agents_.Add(name);
  });
}

}  // namespace pmem::extender::simulator
