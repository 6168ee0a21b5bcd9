// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/core/half_made_group.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "common/pure/absl_view.h"

namespace pmem::driver {
namespace {

constexpr size_t kSectorBytes = 512;
constexpr size_t kLabel = 512;
constexpr size_t kUsedMark = 652;  // With one data area and one metadata area, as ours has.
constexpr size_t kHead = 4096;
constexpr size_t kHeadMagic = kHead + 4;
constexpr size_t kTextPlaces[] = {kHead + 40, kHead + 64};  // The one that counts, and the next.
constexpr size_t kText = kHead + kSectorBytes;

constexpr std::string_view kLabelBegin = "LABELONE";
constexpr std::string_view kHeadBegin = " LVM2 x[5A%r0N*>";

bool IsZero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

// Little endian.
uint64_t NumberAt(std::string_view start, size_t at, size_t bytes) {
  uint64_t number = 0;
  for (size_t i = bytes; i > 0; --i) {
    number = number << 8 | static_cast<unsigned char>(start[at + i - 1]);
  }
  return number;
}

bool HasAt(std::string_view start, size_t at, std::string_view what) {
  return start.substr(at, what.size()) == what;
}

// The text of a VolumeGroup's first state, without volumes. It has no host: init makes none that
// has, and one of another host is seen by no command.
bool IsFirstText(std::string_view text, std::string_view group) {
  constexpr std::string_view kOthers[] = {"logical_volumes", "system_id"};
  return text.starts_with(absl::StrCat(AbslView(group), " {\nid = \"")) &&
         text.find("\nseqno = 1\n") != std::string_view::npos &&
         std::none_of(std::begin(kOthers), std::end(kOthers), [text](std::string_view other) {
           return text.find(absl::StrCat("\n", AbslView(other))) != std::string_view::npos;
         });
}

}  // namespace

bool IsHalfMadeGroup(std::string_view start, std::string_view group) {
  if (start.size() <= kText) return false;
  const std::string_view label = start.substr(kLabel, kSectorBytes);
  const std::string_view area = start.substr(kText);
  const std::string_view text = area.substr(0, area.find('\0'));
  // The head is the first that is written. Nothing is where vgcreate does not write.
  if (!HasAt(start, kHeadMagic, kHeadBegin) || !IsZero(start.substr(0, kLabel)) ||
      !IsZero(start.substr(kLabel + kSectorBytes, kHead - kLabel - kSectorBytes)) ||
      !(IsZero(label) || label.starts_with(kLabelBegin)) || !IsZero(area.substr(text.size()))) {
    return false;
  }
  // A text that was there, and that the kernel cleared as a media error, is still pointed to.
  for (const size_t place : kTextPlaces) {
    const uint64_t offset = NumberAt(start, place, sizeof(offset));
    if (offset != 0 && (offset != kText - kHead || text.empty())) return false;
  }
  const bool is_used = !IsZero(label) && NumberAt(start, kUsedMark, sizeof(uint32_t)) == 1;
  if (text.empty()) return IsZero(label) || is_used;
  return is_used && IsFirstText(text, group);
}

}  // namespace pmem::driver
