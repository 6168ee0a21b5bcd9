// SPDX-License-Identifier: Apache-2.0
#include "extender/core/replica_index.h"

#include <algorithm>
#include <string_view>

#include "absl/hash/hash.h"

namespace pmem::extender {
namespace {

// "-0" of "data-db-0"; empty when the name does not end so.
std::string_view Ordinal(std::string_view name) {
  const size_t digits = name.find_last_not_of("0123456789");
  if (digits == std::string_view::npos || digits + 1 == name.size()) return {};
  return name[digits] == '-' ? name.substr(digits) : std::string_view();
}

// Whether both names end in the same "-<something><ordinal>".
bool EndAlike(std::string_view a, std::string_view b, std::string_view ordinal) {
  const auto [end_a, end_b] = std::mismatch(a.rbegin(), a.rend(), b.rbegin(), b.rend());
  const std::string_view common = a.substr(a.size() - static_cast<size_t>(end_a - a.rbegin()));
  const size_t dash = common.substr(0, common.size() - ordinal.size()).find('-');
  return dash != std::string_view::npos && dash + 1 < common.size() - ordinal.size();
}

}  // namespace

bool ReplicaIndex::MayHave(const Claim& claim) {
  return !claim.labels.empty() && !Ordinal(claim.meta.key.name).empty();
}

size_t ReplicaIndex::HashOf(const Claim& claim) {
  return absl::HashOf(claim.meta.key.kube_namespace, Ordinal(claim.meta.key.name), claim.labels);
}

ReplicaIndex::ReplicaIndex(const ObjectCache& cache) {
  for (const auto& [uid, claim] : cache.claims()) {
    if (MayHave(claim) && !claim.meta.is_deleting) uids_[HashOf(claim)].push_back(uid);
  }
}

std::vector<const Claim*> ReplicaIndex::Beside(const Claim& claim, const ObjectCache& cache) const {
  std::vector<const Claim*> beside;
  if (!MayHave(claim)) return beside;
  const auto it = uids_.find(HashOf(claim));
  if (it == uids_.end()) return beside;
  const std::string_view ordinal = Ordinal(claim.meta.key.name);
  for (const std::string& uid : it->second) {
    const Claim* other = cache.FindClaim(uid);
    if (other == nullptr || other->meta.is_deleting || other->labels != claim.labels) continue;
    if (other->meta.key.kube_namespace != claim.meta.key.kube_namespace) continue;
    if (Ordinal(other->meta.key.name) != ordinal) continue;
    const bool is_same = uid == claim.meta.uid;
    if (is_same || EndAlike(other->meta.key.name, claim.meta.key.name, ordinal)) {
      beside.push_back(other);
    }
  }
  std::sort(beside.begin(), beside.end(),
            [](const Claim* a, const Claim* b) { return a->meta.key.name < b->meta.key.name; });
  return beside;
}

}  // namespace pmem::extender
