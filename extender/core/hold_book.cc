// SPDX-License-Identifier: Apache-2.0
#include "extender/core/hold_book.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "common/pure/absl_view.h"

namespace pmem::extender {
namespace {

constexpr int kBitsPerWord = 64;
constexpr std::string_view kOfClaim = "claim/";
constexpr std::string_view kOfTakeover = "takeover/";

std::string Joined(std::string_view prefix, std::string_view uid) {
  std::string owner(prefix);
  return owner.append(uid);
}

bool TestBit(const std::vector<uint64_t>& bits, int32_t index) {
  const size_t word = static_cast<size_t>(index) / kBitsPerWord;
  return word < bits.size() && ((bits[word] >> (index % kBitsPerWord)) & 1) != 0;
}

// `ids` ascend, as a hold's do.
std::vector<uint64_t> BitsOf(const std::vector<int32_t>& ids) {
  std::vector<uint64_t> bits(static_cast<size_t>(ids.back()) / kBitsPerWord + 1);
  // Word by word: to add each bit to memory waits for the one before.
  for (size_t i = 0; i < ids.size();) {
    const auto word = static_cast<size_t>(ids[i]) / kBitsPerWord;
    uint64_t found = 0;
    for (; i < ids.size() && static_cast<size_t>(ids[i]) / kBitsPerWord == word; ++i) {
      found |= uint64_t{1} << (ids[i] % kBitsPerWord);
    }
    bits[word] |= found;
  }
  return bits;
}

std::vector<Item> ItemsOf(absl::Span<const Hold* const> holds, absl::Span<const Item> except) {
  std::vector<Item> items;
  absl::flat_hash_set<absl::string_view> seen;
  for (const Item& item : except) seen.insert(AbslView(item.claim_uid));
  for (const Hold* hold : holds) {
    for (const Item& item : hold->items) {
      if (seen.insert(AbslView(item.claim_uid)).second) items.push_back(item);
    }
  }
  return items;
}

bool TakeAll(const Hold& hold, KindSet kinds, QuickRoom& room) {
  return std::all_of(hold.items.begin(), hold.items.end(), [&](const Item& item) {
    const QuickItem quick{.kind = item.kind, .requested_bytes = item.requested_bytes};
    return !kinds.Has(item.kind) || room.TakeBest(quick) >= 0;
  });
}

}  // namespace

std::string ClaimOwner(std::string_view claim_uid) { return Joined(kOfClaim, claim_uid); }

std::string TakeoverOwner(std::string_view claim_uid) { return Joined(kOfTakeover, claim_uid); }

OwnerKind KindOfOwner(std::string_view owner) {
  if (owner.starts_with(kOfClaim)) return OwnerKind::kClaim;
  return owner.starts_with(kOfTakeover) ? OwnerKind::kTakeover : OwnerKind::kPod;
}

void HoldBook::Put(Hold hold) {
  Erase(hold.owner);
  if ((hold.items.empty() && hold.volumes.empty()) || hold.node_ids.empty()) return;
  const std::string owner = hold.owner;
  const auto it = holds_.insert_or_assign(owner, std::move(hold)).first;
  Index(it->second);
  IndexVolumes(it->second);
  for (const Item& item : it->second.items) {
    std::vector<std::string>& owners = owners_[item.claim_uid];
    if (owners.empty() || owners.back() != owner) owners.push_back(owner);  // Each once.
  }
}

void HoldBook::Index(const Hold& hold) {
  if (hold.node_ids.size() == 1) {
    const auto id = static_cast<size_t>(hold.node_ids[0]);
    if (narrow_.size() <= id) narrow_.resize(id + 1);
    narrow_[id].push_back(&hold);
  } else {
    wide_[hold.owner] = {.hold = &hold, .bits = BitsOf(hold.node_ids)};
  }
}

void HoldBook::Unindex(const Hold& hold) {
  wide_.erase(hold.owner);
  if (hold.node_ids.size() != 1) return;
  const auto id = static_cast<size_t>(hold.node_ids[0]);
  if (id < narrow_.size()) std::erase(narrow_[id], &hold);
}

void HoldBook::IndexVolumes(const Hold& hold) {
  for (const std::string& volume : hold.volumes) by_volume_[volume].push_back(&hold);
}

void HoldBook::UnindexVolumes(const Hold& hold) {
  for (const std::string& volume : hold.volumes) {
    const auto found = by_volume_.find(volume);
    if (found == by_volume_.end()) continue;
    std::erase(found->second, &hold);
    if (found->second.empty()) by_volume_.erase(found);
  }
}

void HoldBook::Forget(const Hold& hold) {
  for (const Item& item : hold.items) {
    const auto found = owners_.find(item.claim_uid);
    if (found == owners_.end()) continue;
    std::erase(found->second, hold.owner);
    if (found->second.empty()) owners_.erase(found);
  }
}

void HoldBook::Erase(std::string_view owner) {
  const auto it = holds_.find(owner);
  if (it == holds_.end()) return;
  Unindex(it->second);
  UnindexVolumes(it->second);
  Forget(it->second);
  holds_.erase(it);
}

const Hold* HoldBook::Find(std::string_view owner) const {
  const auto it = holds_.find(owner);
  return it == holds_.end() ? nullptr : &it->second;
}

void HoldBook::Narrow(std::string_view owner, int32_t node_id,
                      absl::FunctionRef<bool(const std::string& volume)> is_there) {
  const auto it = holds_.find(owner);
  if (it == holds_.end()) return;
  Hold& hold = it->second;
  Unindex(hold);
  hold.node_ids = {node_id};
  UnindexVolumes(hold);
  std::erase_if(hold.volumes, std::not_fn(is_there));
  IndexVolumes(hold);
  Index(hold);
  if (hold.items.empty() && hold.volumes.empty()) Erase(owner);
}

std::vector<std::string> HoldBook::DropItem(std::string_view claim_uid, absl::Time volumes_until) {
  const auto found = owners_.find(AbslView(claim_uid));
  if (found == owners_.end()) return {};
  std::vector<std::string> owners = std::move(found->second);
  owners_.erase(found);
  std::sort(owners.begin(), owners.end());
  for (const std::string& owner : owners) {
    Hold& hold = holds_.find(owner)->second;
    std::erase_if(hold.items,
                  [claim_uid](const Item& item) { return item.claim_uid == claim_uid; });
    if (!hold.items.empty()) continue;
    hold.volumes.empty() ? Erase(owner) : Shorten(owner, volumes_until);
  }
  return owners;
}

void HoldBook::AddVolume(std::string_view owner, const std::string& volume) {
  const auto it = holds_.find(owner);
  if (it == holds_.end()) return;
  std::vector<const Hold*>& holds = by_volume_[volume];
  if (std::find(holds.begin(), holds.end(), &it->second) != holds.end()) return;
  holds.push_back(&it->second);
  it->second.volumes.push_back(volume);
}

void HoldBook::Shorten(std::string_view owner, absl::Time until) {
  const auto it = holds_.find(owner);
  if (it == holds_.end() || it->second.until <= until) return;
  it->second.until = until;
  it->second.is_shortened = true;
}

HoldBook::Expired HoldBook::Expire(absl::Time now) {
  std::vector<std::string> over;
  Expired expired;
  for (const auto& [owner, hold] : holds_) {
    if (hold.until > now) continue;
    over.push_back(owner);
    const bool is_unheard = !hold.is_shortened && KindOfOwner(owner) == OwnerKind::kPod;
    expired.unheard += is_unheard ? 1 : 0;
  }
  for (const std::string& owner : over) Erase(owner);
  expired.all = static_cast<int>(over.size());
  return expired;
}

absl::Time HoldBook::NextEnd() const {
  absl::Time end = absl::InfiniteFuture();
  for (const auto& [owner, hold] : holds_) end = std::min(end, hold.until);
  return end;
}

absl::Span<const Hold* const> HoldBook::NarrowOn(int32_t node_id) const {
  const auto id = static_cast<size_t>(node_id);
  return id < narrow_.size() ? narrow_[id] : absl::Span<const Hold* const>();
}

bool HoldBook::IsHeld(int32_t node_id) const {
  return !NarrowOn(node_id).empty() ||
         std::any_of(wide_.begin(), wide_.end(),
                     [node_id](const auto& entry) { return TestBit(entry.second.bits, node_id); });
}

bool HoldBook::TakeAllOn(int32_t node_id, std::string_view owner, KindSet kinds,
                         QuickRoom& room) const {
  for (const auto& [other, wide] : wide_) {
    const bool counts = other != owner && TestBit(wide.bits, node_id);
    if (counts && !TakeAll(*wide.hold, kinds, room)) return false;
  }
  const absl::Span<const Hold* const> narrow = NarrowOn(node_id);
  return std::all_of(narrow.begin(), narrow.end(), [&](const Hold* hold) {
    return hold->owner == owner || TakeAll(*hold, kinds, room);
  });
}

std::vector<const Hold*> HoldBook::HoldsOn(int32_t node_id, std::string_view owner) const {
  std::vector<const Hold*> holds;
  for (const Hold* hold : NarrowOn(node_id)) {
    if (hold->owner != owner) holds.push_back(hold);
  }
  for (const auto& [other, wide] : wide_) {
    if (other != owner && TestBit(wide.bits, node_id)) holds.push_back(wide.hold);
  }
  return holds;
}

std::vector<Item> HoldBook::ItemsOn(int32_t node_id, std::string_view owner,
                                    absl::Span<const Item> except) const {
  return ItemsOf(HoldsOn(node_id, owner), except);
}

bool HoldBook::IsVolumeHeld(std::string_view volume, std::string_view owner) const {
  const auto found = by_volume_.find(AbslView(volume));
  return found != by_volume_.end() &&
         std::any_of(found->second.begin(), found->second.end(),
                     [owner](const Hold* hold) { return hold->owner != owner; });
}

const HeldByOthers::Held& HeldByOthers::On(int32_t node_id) {
  std::vector<const Hold*> holds = book_->HoldsOn(node_id, owner_);
  if (holds == holds_) return held_;
  holds_ = std::move(holds);
  held_ = {.items = ItemsOf(holds_, except_)};
  held_.lvm_bytes = RequestedBytes(held_.items, PoolKind::kLvm);
  held_.direct_bytes = RequestedBytes(held_.items, PoolKind::kDirect);
  return held_;
}

}  // namespace pmem::extender
