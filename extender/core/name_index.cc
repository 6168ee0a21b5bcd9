// SPDX-License-Identifier: Apache-2.0
#include "extender/core/name_index.h"

#include <cstring>

namespace pmem::extender {
namespace {

constexpr size_t kSlotsMin = 64;

__extension__ using Wide = unsigned __int128;

uint64_t Mix(uint64_t a, uint64_t b) {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

uint64_t Load(const char* bytes, size_t count) {
  uint64_t word = 0;
  std::memcpy(&word, bytes, count);
  return word;
}

// Not against an adversary: the names are those of the cluster's nodes.
uint32_t HashOf(std::string_view name) {
  constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;
  const char* at = name.data();
  size_t left = name.size();
  uint64_t hash = kOdd ^ left;
  while (left > 8) {
    hash = Mix(hash ^ Load(at, 8), kOdd);
    at += 8;
    left -= 8;
  }
  // The last eight bytes, some of them a second time, cost less than as many as are left.
  const uint64_t last = name.size() >= 8 ? Load(at + left - 8, 8) : Load(at, left);
  return static_cast<uint32_t>(Mix(hash ^ last, kOdd));
}

}  // namespace

void NameIndex::Insert(const Slot& slot) {
  const size_t mask = slots_.size() - 1;
  size_t at = slot.hash & mask;
  while (slots_[at].id >= 0) at = (at + 1) & mask;
  slots_[at] = slot;
}

void NameIndex::Grow() {
  std::vector<Slot> before(slots_.empty() ? kSlotsMin : slots_.size() * 2);
  before.swap(slots_);
  for (const Slot& slot : before) {
    if (slot.id >= 0) Insert(slot);
  }
}

void NameIndex::Add(std::string_view name, int32_t id) {
  if ((count_ + 1) * 2 > slots_.size()) Grow();
  ++count_;
  Insert({.hash = HashOf(name), .id = id});
  const auto at = static_cast<size_t>(id);
  if (entries_.size() <= at) entries_.resize(at + 1);
  entries_[at] = {.offset = static_cast<uint32_t>(names_.size()),
                  .size = static_cast<uint32_t>(name.size())};
  names_.append(name);
}

inline bool NameIndex::IsNameOf(int32_t id, std::string_view name) const {
  const Entry& entry = entries_[static_cast<size_t>(id)];
  return entry.size == name.size() &&
         std::memcmp(names_.data() + entry.offset, name.data(), name.size()) == 0;
}

int32_t NameIndex::Find(std::string_view name) const {
  if (count_ == 0 || name.empty()) return -1;
  const uint32_t hash = HashOf(name);
  const size_t mask = slots_.size() - 1;
  for (size_t at = hash & mask; slots_[at].id >= 0; at = (at + 1) & mask) {
    if (slots_[at].hash == hash && IsNameOf(slots_[at].id, name)) return slots_[at].id;
  }
  return -1;
}

std::vector<int32_t> NameIndex::FindAll(absl::Span<const std::string_view> names) const {
  std::vector<int32_t> ids(names.size());
  int32_t before = -1;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string_view name = names[i];
    int32_t id = before < 0 ? -1 : entries_[static_cast<size_t>(before)].next;
    if (id < 0 || !IsNameOf(id, name)) {
      id = Find(name);
      if (before >= 0) entries_[static_cast<size_t>(before)].next = id;
    }
    ids[i] = id;
    before = id;
  }
  return ids;
}

void NameIndex::Clear() { *this = NameIndex(); }

}  // namespace pmem::extender
