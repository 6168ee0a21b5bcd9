// SPDX-License-Identifier: Apache-2.0
#include "tests/scenario/scenario_world.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/pure/absl_view.h"
#include "common/pure/quantity.h"
#include "common/pure/sizing.h"
#include "common/pure/status_macros.h"
#include "extender/core/node_numbers.h"
#include "extender/core/verbs.h"
#include "tests/support/builders.h"

namespace pmem::extender {
namespace {

constexpr std::string_view kHostname = "kubernetes.io/hostname";

absl::Status NoSuch(std::string_view kind, const std::string& name) {
  return absl::NotFoundError(absl::StrCat("no ", AbslView(kind), " ", name));
}

// The value of "name=value" among the words; `otherwise` when it is not there.
std::string Option(const std::vector<std::string>& words, std::string_view name,
                   std::string otherwise) {
  for (const std::string& word : words) {
    const std::pair<std::string, std::string> pair = absl::StrSplit(word, absl::MaxSplits('=', 1));
    if (pair.first == name) return pair.second;
  }
  return otherwise;
}

std::vector<std::string_view> Views(const std::vector<std::string>& names) {
  return {names.begin(), names.end()};
}

std::string Mebibytes(int64_t bytes) { return absl::StrCat(bytes / kMiB); }

std::string Quoted(const absl::Status& status) {
  return absl::StrCat("error: ", status.message(), "\n");
}

}  // namespace

ScenarioWorld::ScenarioWorld() {
  const ClusterLists lists = {.classes = {MakeClass("pmem-lvm"), MakeClass("pmem-direct"),
                                          MakeClass("pmem-lvm-now", false)}};
  for (const Event& event : ListsOf(lists)) Apply(event);
}

std::string ScenarioWorld::Do(std::string_view command) {
  const Words words = absl::StrSplit(AbslView(command), ' ', absl::SkipEmpty());
  if (words.empty()) return Quoted(absl::InvalidArgumentError("no command"));
  Answer answer = Run(words);
  const absl::Status invariants = ledger_.CheckInvariants(now_);
  std::string text = answer.ok() ? *answer : Quoted(answer.status());
  if (text.empty()) text = "ok\n";
  if (!invariants.ok()) absl::StrAppend(&text, "broken: ", invariants.message(), "\n");
  return text;
}

ScenarioWorld::Answer ScenarioWorld::Run(const Words& words) {
  struct Command {
    std::string_view name;
    size_t words_min;
    Answer (ScenarioWorld::*run)(const Words&);
  };
  static constexpr Command kCommands[] = {
      {"node", 2, &ScenarioWorld::AddNode},
      {"claim", 3, &ScenarioWorld::AddClaim},
      {"pod", 3, &ScenarioWorld::AddPod},
      {"filter", 2, &ScenarioWorld::FilterPod},
      {"prioritize", 2, &ScenarioWorld::PrioritizePod},
      {"nominate", 2, &ScenarioWorld::Nominate},
      {"pin", 3, &ScenarioWorld::Pin},
      {"unpin", 2, &ScenarioWorld::Unpin},
      {"create", 2, &ScenarioWorld::Create},
      {"destroy", 2, &ScenarioWorld::Destroy},
      {"bind", 2, &ScenarioWorld::Bind},
      {"expand", 3, &ScenarioWorld::Expand},
      {"grow", 2, &ScenarioWorld::Grow},
      {"delete", 2, &ScenarioWorld::Delete},
      {"report", 2, &ScenarioWorld::Report},
      {"confirm", 2, &ScenarioWorld::Confirm},
      {"reboot", 2, &ScenarioWorld::Reboot},
      {"pass", 2, &ScenarioWorld::Pass},
      {"takeover", 1, &ScenarioWorld::Takeover},
      {"room", 1, &ScenarioWorld::ShowRoom},
      {"holds", 1, &ScenarioWorld::ShowHolds},
  };
  for (const Command& command : kCommands) {
    if (command.name != words[0]) continue;
    if (words.size() < command.words_min) return absl::InvalidArgumentError("too few words");
    return (this->*command.run)(words);
  }
  return absl::InvalidArgumentError(absl::StrCat("no command ", words[0]));
}

void ScenarioWorld::Apply(const Event& event) {
  ledger_.Apply(event, now_);
  ledger_.Expire(now_);
}

ScenarioWorld::Answer ScenarioWorld::AddNode(const Words& words) {
  PMEM_ASSIGN_OR_RETURN(const int64_t lvm_bytes, QuantityToBytes(Option(words, "lvm", "0")));
  Devices devices{.lvm_bytes = lvm_bytes};
  int64_t offset = 0;
  for (const auto part : absl::StrSplit(Option(words, "direct", ""), '+', absl::SkipEmpty())) {
    PMEM_ASSIGN_OR_RETURN(const int64_t bytes, QuantityToBytes({part.data(), part.size()}));
    devices.extents.push_back({offset, bytes});
    offset += bytes + kGiB;
  }
  devices_[words[1]] = devices;
  Node node;
  node.meta = {.key = {"", words[1]}, .uid = Uid(++objects_)};
  node.labels[std::string(kHostname)] = words[1];
  Apply(Seen<Node>{node});
  AgentsListed listed;
  for (const auto& [name, unused] : devices_) listed.nodes.push_back(name);
  Apply(listed);
  return Report({"report", words[1]});
}

ScenarioWorld::Answer ScenarioWorld::AddClaim(const Words& words) {
  PMEM_ASSIGN_OR_RETURN(const int64_t bytes, QuantityToBytes(words[2]));
  const bool waits = Option(words, "wait", "yes") == "yes";
  Claim claim =
      MakeClaim(++objects_, bytes, Option(words, "class", waits ? "pmem-lvm" : "pmem-lvm-now"));
  claim.meta.key.name = words[1];
  return Show(claims_[words[1]] = claim);
}

ScenarioWorld::Answer ScenarioWorld::Show(Claim& claim) {
  claim.meta.resource_version = absl::StrCat(++objects_);
  Apply(Seen<Claim>{claim});
  return "";
}

ScenarioWorld::Answer ScenarioWorld::AddPod(const Words& words) {
  std::vector<Claim> claims;
  for (size_t i = 2; i < words.size(); ++i) {
    const Claim* claim = FindClaim(words[i]);
    if (claim == nullptr) return NoSuch("claim", words[i]);
    claims.push_back(*claim);
  }
  Pod pod = MakePod(++objects_, claims);
  pod.meta.key.name = words[1];
  pod.meta.resource_version = absl::StrCat(++objects_);
  pods_[words[1]] = pod;
  Apply(Seen<Pod>{pod});
  return "";
}

ScenarioWorld::Answer ScenarioWorld::FilterPod(const Words& words) {
  const auto pod = pods_.find(words[1]);
  if (pod == pods_.end()) return NoSuch("pod", words[1]);
  const PodDemand demand = ledger_.Demand(pod->second, nullptr);
  const Words nodes = NodesOf(words, 2);
  const FilterDecision decision = Filter(ledger_, {}, pod->second, demand, Views(nodes), now_);
  ledger_.HoldOnIds(pod->second, demand, decision.node_ids, decision.static_volumes, now_);
  std::string text;
  for (size_t i = 0; i < nodes.size(); ++i) {
    absl::StrAppend(&text, nodes[i], "  ", AbslView(ReasonName(decision.reasons[i])), "\n");
  }
  return text;
}

ScenarioWorld::Answer ScenarioWorld::PrioritizePod(const Words& words) {
  const auto pod = pods_.find(words[1]);
  if (pod == pods_.end()) return NoSuch("pod", words[1]);
  const Words nodes = NodesOf(words, 2);
  const std::vector<int> scores =
      Prioritize(ledger_, {}, pod->second, ledger_.Demand(pod->second, nullptr), Views(nodes));
  std::string text;
  for (size_t i = 0; i < nodes.size(); ++i) {
    absl::StrAppend(&text, nodes[i], "  ", scores[i], "\n");
  }
  return text;
}

ScenarioWorld::Answer ScenarioWorld::Nominate(const Words& words) {
  const auto pod = pods_.find(words[1]);
  if (pod == pods_.end()) return NoSuch("pod", words[1]);
  pod->second.nominated_node_name = words.size() > 2 ? words[2] : "";
  pod->second.meta.resource_version = absl::StrCat(++objects_);
  Apply(Seen<Pod>{pod->second});
  return "";
}

ScenarioWorld::Answer ScenarioWorld::Pin(const Words& words) {
  Claim* claim = FindClaim(words[1]);
  if (claim == nullptr) return NoSuch("claim", words[1]);
  claim->selected_node = words[2];
  return Show(*claim);
}

ScenarioWorld::Answer ScenarioWorld::Unpin(const Words& words) {
  Claim* claim = FindClaim(words[1]);
  if (claim == nullptr) return NoSuch("claim", words[1]);
  claim->selected_node.clear();
  return Show(*claim);
}

ScenarioWorld::Answer ScenarioWorld::Create(const Words& words) {
  const Claim* claim = FindClaim(words[1]);
  if (claim == nullptr) return NoSuch("claim", words[1]);
  const auto node = devices_.find(claim->selected_node);
  if (node == devices_.end()) return NoSuch("node", claim->selected_node);
  const bool is_direct = claim->storage_class_name == "pmem-direct";
  const int64_t bytes =
      VolumeBytes(claim->requested_bytes, is_direct ? kTestAlignDirect : kTestAlignLvm);
  if (is_direct) {
    auto& extents = node->second.extents;
    const auto extent = std::find_if(extents.begin(), extents.end(),
                                     [bytes](const Extent& e) { return e.bytes >= bytes; });
    if (extent == extents.end()) return absl::ResourceExhaustedError("no extent");
    extent->offset_bytes += bytes;
    extent->bytes -= bytes;
  }
  node->second.volumes["disk-" + claim->meta.uid] = {is_direct, bytes};
  return "";
}

ScenarioWorld::Answer ScenarioWorld::Destroy(const Words& words) {
  const Claim* claim = FindClaim(words[1]);
  if (claim == nullptr) return NoSuch("claim", words[1]);
  Devices& devices = devices_[claim->selected_node];
  const auto volume = devices.volumes.find("disk-" + claim->meta.uid);
  if (volume == devices.volumes.end()) return NoSuch("volume of", words[1]);
  if (volume->second.is_direct) return absl::UnimplementedError("only of class pmem-lvm");
  devices.volumes.erase(volume);
  return "";
}

ScenarioWorld::Answer ScenarioWorld::Bind(const Words& words) {
  Claim* claim = FindClaim(words[1]);
  if (claim == nullptr) return NoSuch("claim", words[1]);
  PersistentVolume volume;
  volume.meta = {.key = {"", "disk-" + claim->meta.uid}, .uid = Uid(++objects_)};
  volume.is_ours = true;
  volume.csi_volume_handle = volume.meta.key.name;
  volume.storage_class_name = claim->storage_class_name.value_or("");
  volume.capacity_bytes = claim->requested_bytes;
  volume.access_modes = claim->access_modes;
  volume.is_taken = true;
  volume.claim = claim->meta.key;
  volume.claim_uid = claim->meta.uid;
  volume.affinity_node = claim->selected_node;
  Apply(Seen<PersistentVolume>{volume});
  claim->volume_name = volume.meta.key.name;
  claim->capacity_bytes = claim->requested_bytes;
  return Show(*claim);
}

ScenarioWorld::Answer ScenarioWorld::Expand(const Words& words) {
  Claim* claim = FindClaim(words[1]);
  if (claim == nullptr) return NoSuch("claim", words[1]);
  PMEM_ASSIGN_OR_RETURN(claim->requested_bytes, QuantityToBytes(words[2]));
  return Show(*claim);
}

ScenarioWorld::Answer ScenarioWorld::Grow(const Words& words) {
  Claim* claim = FindClaim(words[1]);
  if (claim == nullptr) return NoSuch("claim", words[1]);
  Devices& devices = devices_[claim->selected_node];
  devices.volumes["disk-" + claim->meta.uid].bytes =
      VolumeBytes(claim->requested_bytes, kTestAlignLvm);
  return "";
}

ScenarioWorld::Answer ScenarioWorld::Delete(const Words& words) {
  if (const Claim* claim = FindClaim(words[1])) {
    Apply(Gone<Claim>{*claim});
  } else if (const auto pod = pods_.find(words[1]); pod != pods_.end()) {
    Apply(Gone<Pod>{pod->second});
  } else {
    return NoSuch("claim or pod", words[1]);
  }
  return "";
}

ScenarioWorld::Answer ScenarioWorld::Report(const Words& words) {
  const auto found = devices_.find(words[1]);
  if (found == devices_.end()) return NoSuch("node", words[1]);
  Devices& devices = found->second;
  std::vector<VolumeReport> lvm, direct;
  for (const auto& [name, volume] : devices.volumes) {
    (volume.is_direct ? direct : lvm).push_back({name, volume.bytes});
  }
  std::vector<PoolReport> pools;
  if (!devices.extents.empty()) {
    std::vector<FreeExtent> extents;
    for (const Extent& extent : devices.extents) {
      if (extent.bytes > 0) extents.push_back({extent.offset_bytes, extent.bytes});
    }
    pools.push_back(MakeDirectPool(extents));
    pools.back().volumes = direct;
  }
  if (devices.lvm_bytes > 0) pools.push_back(MakeLvmPool(devices.lvm_bytes, lvm));
  Apply(MakeReport(words[1], ++devices.generation, pools, absl::StrCat("boot-", devices.boot)));
  return "";
}

ScenarioWorld::Answer ScenarioWorld::Confirm(const Words& words) {
  Apply(AgentConfirmed{words[1]});
  return "";
}

ScenarioWorld::Answer ScenarioWorld::Reboot(const Words& words) {
  const auto found = devices_.find(words[1]);
  if (found == devices_.end()) return NoSuch("node", words[1]);
  ++found->second.boot;
  found->second.generation = 0;
  return "";
}

ScenarioWorld::Answer ScenarioWorld::Pass(const Words& words) {
  absl::Duration left;
  if (!absl::ParseDuration(words[1], &left)) return absl::InvalidArgumentError("no duration");
  while (left > absl::ZeroDuration()) {
    const absl::Duration step = std::min(left, absl::Seconds(1));
    now_ += step;
    left -= step;
    ledger_.Expire(now_);
  }
  return "";
}

ScenarioWorld::Answer ScenarioWorld::Takeover(const Words&) {
  ledger_.BeginTakeover(now_);
  return "";
}

ScenarioWorld::Answer ScenarioWorld::ShowRoom(const Words& words) {
  std::string text = absl::StrFormat("%-5s %-7s %10s %9s %6s %6s\n", "node", "kind", "available",
                                     "promised", "held", "free");
  for (const std::string& name : NodesOf(words, 1)) {
    const NodeState* node = ledger_.nodes().Find(name);
    if (node == nullptr) return NoSuch("node", name);
    for (const PoolKind kind : {PoolKind::kLvm, PoolKind::kDirect}) {
      const NodeNumbers numbers = NumbersOf(ledger_, *node, kind, {}, "");
      if (numbers.total_bytes == 0) continue;
      absl::StrAppendFormat(&text, "%-5s %-7s %10s %9s %6s %6s\n", name,
                            AbslView(PoolKindName(kind)), Mebibytes(numbers.available_bytes),
                            Mebibytes(numbers.promised_bytes), Mebibytes(numbers.held_bytes),
                            Mebibytes(numbers.free_bytes));
    }
  }
  return text;
}

ScenarioWorld::Answer ScenarioWorld::ShowHolds(const Words&) {
  std::string text;
  for (const auto& [owner, hold] : ledger_.holds().holds()) {
    Words nodes, claims;
    for (const auto& [name, node] : ledger_.nodes().nodes()) {
      if (std::binary_search(hold.node_ids.begin(), hold.node_ids.end(), node->id)) {
        nodes.push_back(name);
      }
    }
    for (const Item& item : hold.items) claims.push_back(NameOfClaim(item.claim_uid));
    absl::StrAppend(&text, NameOfOwner(owner), ": ", absl::StrJoin(claims, ","), " on ",
                    absl::StrJoin(nodes, ","), "\n");
  }
  return text.empty() ? "nobody\n" : text;
}

Claim* ScenarioWorld::FindClaim(const std::string& name) {
  const auto found = claims_.find(name);
  return found == claims_.end() ? nullptr : &found->second;
}

std::vector<std::string> ScenarioWorld::NodesOf(const Words& words, size_t from) const {
  Words nodes;
  for (size_t i = from; i < words.size(); ++i) nodes.push_back(words[i]);
  if (!nodes.empty()) return nodes;
  for (const auto& [name, unused] : devices_) nodes.push_back(name);
  return nodes;
}

std::string ScenarioWorld::NameOfClaim(std::string_view uid) const {
  for (const auto& [name, claim] : claims_) {
    if (claim.meta.uid == uid) return name;
  }
  return std::string(uid);
}

std::string ScenarioWorld::NameOfOwner(std::string_view owner) const {
  for (const auto& [name, pod] : pods_) {
    if (pod.meta.uid == owner) return name;
  }
  if (KindOfOwner(owner) == OwnerKind::kPod) return std::string(owner);
  const size_t slash = owner.find('/');
  return absl::StrCat(AbslView(owner.substr(0, slash)), "/", NameOfClaim(owner.substr(slash + 1)));
}

}  // namespace pmem::extender
