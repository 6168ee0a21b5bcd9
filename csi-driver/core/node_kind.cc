// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/core/node_kind.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/pure/absl_view.h"
#include "common/pure/json_reader.h"
#include "common/pure/names.h"
#include "common/pure/status_macros.h"

namespace pmem::driver {
namespace {

constexpr std::string_view kLvmPercent = "lvm_percent";
constexpr std::string_view kInitializeLabels = "initialize_labels";
constexpr std::string_view kNodes = "nodes";

absl::Status CheckMembers(const JsonValue& value, std::string_view first, std::string_view second) {
  PMEM_ASSIGN_OR_RETURN(const auto members, value.AsObject());
  for (const auto& [name, member] : members) {
    if (name != first && name != second) return member.Error("is not known");
  }
  return absl::OkStatus();
}

absl::Status ReadLabelsFlag(const JsonValue& value, NodeSettings* settings) {
  PMEM_ASSIGN_OR_RETURN(const auto flag, value.OptionalBool(kInitializeLabels));
  if (flag) settings->initializes_labels = *flag;
  return absl::OkStatus();
}

absl::Status ReadNode(const JsonValue& value, NodeSettings* settings) {
  PMEM_RETURN_IF_ERROR(CheckMembers(value, kLvmPercent, kInitializeLabels));
  PMEM_RETURN_IF_ERROR(ReadLabelsFlag(value, settings));
  PMEM_ASSIGN_OR_RETURN(const auto percent, value.OptionalInt(kLvmPercent, 1, 99));
  settings->lvm_percent = percent.value_or(0);
  return absl::OkStatus();
}

}  // namespace

std::string_view InitKindName(InitKind kind) {
  switch (kind) {
    case InitKind::kNone:
      return "none";
    case InitKind::kLvm:
      return "lvm";
    case InitKind::kDirect:
      return "direct";
    case InitKind::kBoth:
      return "both";
  }
  return "";
}

absl::StatusOr<InitKind> KindOfNode(std::string_view node_json) {
  PMEM_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(node_json));
  PMEM_ASSIGN_OR_RETURN(const JsonValue metadata, document.root().Member("metadata"));
  PMEM_ASSIGN_OR_RETURN(const auto labels, metadata.OptionalMember("labels"));
  if (!labels) return InitKind::kNone;
  for (const std::string_view key : {kNodeTypeLabel, kNodeTypeLabelOld}) {
    PMEM_ASSIGN_OR_RETURN(const auto value, labels->OptionalString(key));
    if (!value) continue;
    for (const InitKind kind : {InitKind::kLvm, InitKind::kDirect, InitKind::kNone}) {
      if (*value == InitKindName(kind)) return kind;
    }
    return absl::InvalidArgumentError(
        absl::StrCat("label ", AbslView(key), ": ", *value, " is none of lvm, direct, none"));
  }
  return InitKind::kNone;
}

absl::StatusOr<NodeSettings> SettingsOfNode(std::string_view config_json, std::string_view node) {
  PMEM_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(config_json));
  const JsonValue root = document.root();
  PMEM_RETURN_IF_ERROR(CheckMembers(root, kInitializeLabels, kNodes));
  NodeSettings of_all;
  PMEM_RETURN_IF_ERROR(ReadLabelsFlag(root, &of_all));
  NodeSettings settings = of_all;
  PMEM_ASSIGN_OR_RETURN(const auto nodes, root.OptionalMember(kNodes));
  if (!nodes) return settings;
  PMEM_ASSIGN_OR_RETURN(const auto members, nodes->AsObject());
  for (const auto& [name, member] : members) {
    // All are read: what is wrong with one node's is wrong on every node.
    NodeSettings of_node = of_all;
    PMEM_RETURN_IF_ERROR(ReadNode(member, &of_node));
    if (name == node) settings = of_node;
  }
  return settings;
}

}  // namespace pmem::driver
