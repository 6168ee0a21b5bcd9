// SPDX-License-Identifier: Apache-2.0
// The API server's JSON to the few typed fields of kube_objects.h. Everything about an object but
// its metadata.name may be absent; a member of the wrong type is InvalidArgument with its JSON
// path. An amount beyond kBytesMax counts as kBytesMax: it fits nowhere, but it is not unknown.
//
// T is one of Node, Pod, Claim, PersistentVolume, StorageClass, CapacityObject, AgentPod. Pure,
// thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/pure/json_reader.h"
#include "extender/core/kube_objects.h"
#include "extender/core/reflector_state.h"

namespace pmem::extender {

// Of an item of a list, of a list without its items, and of a watch event.
inline constexpr int64_t kWatchLineBytesMax = int64_t{8} * 1024 * 1024;

// Nodes that the allowedTopologies of a class may name; more are InvalidArgument. No cluster has as
// many.
inline constexpr size_t kAllowedNodesMax = 100'000;

// A pod of the node agent: where it can be asked.
struct AgentPod {
  ObjectMeta meta;
  std::string node_name;
  std::string pod_ip;
  std::string phase;
  std::optional<int> http_port;  // The container port named "http".
  bool operator==(const AgentPod&) const = default;
};

template <class T>
absl::StatusOr<T> DecodeObject(const JsonValue& object);

template <class T>
absl::StatusOr<T> DecodeObject(std::string_view json);

template <class T>
struct DecodedList {
  std::vector<T> objects;
  std::string resource_version;
  std::string continue_token;        // Empty: this was the last page.
  std::vector<absl::Status> errors;  // Objects that could not be decoded, named; the rest is there.
};

template <class T>
absl::StatusOr<DecodedList<T>> DecodeList(std::string_view json);

template <class T>
struct DecodedItem {
  absl::StatusOr<T> object = T();  // An error names the object.
};

// An item of a list. An error means that it is not JSON.
template <class T>
absl::StatusOr<DecodedItem<T>> DecodeItem(std::string_view json);

template <class T>
struct DecodedEvent {
  WatchEventType type = WatchEventType::kBookmark;
  std::string resource_version;
  // Not for kBookmark and kError. An error names the object. Of one that was deleted and cannot be
  // read the name is enough (only `meta` is set): what was read of it before must not stay.
  absl::StatusOr<T> object = T();
  ApiFailure failure;  // kError only.
};

// One line of a watch. An error means that the line itself is not an event.
template <class T>
absl::StatusOr<DecodedEvent<T>> DecodeWatchEvent(std::string_view line);

// The Status object that comes with a refusal. A body that is none leaves everything but `code`
// empty.
ApiFailure DecodeFailure(int http_status, std::string_view body);

}  // namespace pmem::extender
