// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/core/label_area.h"

#include <algorithm>
#include <cstdint>

namespace pmem::agent {
namespace {

// Of an index block, which begins with its signature.
constexpr std::string_view kSignature("NAMESPACE_INDEX\0", 16);
constexpr size_t kIndexBytesAt = 32;
constexpr size_t kSlotsOffsetAt = 48;
constexpr size_t kHeaderBytes = 72;

bool IsZero(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char byte) { return byte == 0; });
}

uint64_t LittleEndian(std::string_view bytes, size_t offset) {
  uint64_t value = 0;
  for (size_t i = sizeof value; i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[offset + i]);
  }
  return value;
}

}  // namespace

bool HoldsNoLabel(std::string_view area) {
  if (IsZero(area)) return true;
  if (area.size() < kHeaderBytes || !area.starts_with(kSignature)) return false;
  const uint64_t index_bytes = LittleEndian(area, kIndexBytesAt);
  // The slots follow the two blocks, and have most of the area: zeros behind its end would say
  // nothing.
  if (index_bytes < kHeaderBytes || index_bytes > area.size() / 4 ||
      LittleEndian(area, kSlotsOffsetAt) != 2 * index_bytes) {
    return false;
  }
  return IsZero(area.substr(static_cast<size_t>(2 * index_bytes)));
}

}  // namespace pmem::agent
