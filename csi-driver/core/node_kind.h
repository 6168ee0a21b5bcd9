// SPDX-License-Identifier: Apache-2.0
// What a node's regions are to be made ready for: its label says the kind, the cluster's
// configuration the rest. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace pmem::driver {

// What regions are for: nothing, a VolumeGroup over each, volumes directly in it, or a share of
// both.
enum class InitKind { kNone, kLvm, kDirect, kBoth };

std::string_view InitKindName(InitKind kind);  // "none", "lvm", "direct", "both"

// kLvm, kDirect or kNone, of a Node object. Label kNodeTypeLabel wins over kNodeTypeLabelOld,
// also with the value "none"; without either: none. InvalidArgument for other values, and for what
// is no Node.
absl::StatusOr<InitKind> KindOfNode(std::string_view node_json);

// What the configuration says of one node:
//   {"initialize_labels":false,"nodes":{"node-7":{"lvm_percent":50,"initialize_labels":true}}}
struct NodeSettings {
  int64_t lvm_percent = 0;  // 1 to 99: a share of each region; 0: the label's kind has all of it.
  bool initializes_labels = false;
  bool operator==(const NodeSettings&) const = default;
};

inline constexpr int64_t kInitConfigBytesMax = int64_t{1} << 20;

// InvalidArgument for members that are not known: a slip of the pen must not go unnoticed.
absl::StatusOr<NodeSettings> SettingsOfNode(std::string_view config_json, std::string_view node);

}  // namespace pmem::driver
