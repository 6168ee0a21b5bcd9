// SPDX-License-Identifier: Apache-2.0
// Reading the parts that several Kubernetes kinds share. For kube_decode only. Pure, thread-safe.
// All errors are InvalidArgument with the JSON path.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/pure/json_reader.h"
#include "extender/core/kube_objects.h"

namespace pmem::extender {

// A member object; an empty object where it is absent.
absl::StatusOr<JsonValue> Child(const JsonValue& parent, std::string_view name);

// An absent text is empty, an absent flag false, an absent map or list empty.
absl::StatusOr<std::string> Text(const JsonValue& object, std::string_view name);
absl::StatusOr<bool> Flag(const JsonValue& object, std::string_view name);
absl::StatusOr<std::map<std::string, std::string>> TextMap(const JsonValue& object,
                                                           std::string_view name);
absl::StatusOr<std::vector<std::string>> TextList(const JsonValue& object, std::string_view name);

// A quantity of `object`, text or integer; nullopt where absent.
absl::StatusOr<std::optional<int64_t>> Bytes(const JsonValue& object, std::string_view name);
absl::StatusOr<std::optional<int64_t>> Milli(const JsonValue& object, std::string_view name);

// `object` is the whole API object.
absl::StatusOr<ObjectMeta> Meta(const JsonValue& object);
absl::StatusOr<std::vector<OwnerReference>> Owners(const JsonValue& object);

// `name`: matchExpressions, say. Those of a topology term have no operator.
absl::StatusOr<std::vector<SelectorRequirement>> Requirements(const JsonValue& term,
                                                              std::string_view name);

// The terms of a NodeSelector.
absl::StatusOr<std::vector<NodeSelectorTerm>> SelectorTerms(const JsonValue& node_selector);

}  // namespace pmem::extender
