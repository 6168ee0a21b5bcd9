// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/core/volume_id.h"

#include <algorithm>
#include <cstdint>

#include "common/pure/names.h"

namespace pmem::driver {
namespace {

__extension__ using Wide = unsigned __int128;

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '+' || c == '-';
}

// Words that LVM keeps for the parts of its own volumes.
bool HasReservedWord(std::string_view id) {
  for (const std::string_view word :
       {"_cdata", "_cmeta", "_corig", "_cpool", "_cvol", "_iorig", "_mimage", "_mlog", "_pmspare",
        "_rimage", "_rmeta", "_tdata", "_tmeta", "_vdata", "_vorigin", "_wcorig"}) {
    if (id.find(word) != std::string_view::npos) return true;
  }
  return false;
}

// FNV-1a in 128 bits: names differ by chance alone here, nobody gains by two that agree.
Wide HashOf(std::string_view name) {
  constexpr Wide kBasis = (Wide{0x6c62272e07bb0142} << 64) | 0x62b821756295c58d;
  constexpr Wide kPrime = (Wide{1} << 88) | 0x13b;
  Wide hash = kBasis;
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * kPrime;
  return hash;
}

}  // namespace

bool IsVolumeId(std::string_view id) {
  if (!id.starts_with(kVolumeNamePrefix) || id.size() == kVolumeNamePrefix.size()) return false;
  if (id.size() > size_t{kVolumeIdBytesMax} || HasReservedWord(id)) return false;
  return std::all_of(id.begin(), id.end(), IsNameCharacter);
}

std::string VolumeIdOf(std::string_view name) {
  if (IsVolumeId(name)) return std::string(name);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string id(kVolumeNamePrefix);
  Wide hash = HashOf(name);
  for (int i = 0; i < 32; ++i) {
    id += kDigits[static_cast<size_t>(hash >> 124)];
    hash <<= 4;
  }
  return id;
}

}  // namespace pmem::driver
