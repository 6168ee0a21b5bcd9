// SPDX-License-Identifier: Apache-2.0
// Private to extender/wire: Status-carrying steps over simdjson's on-demand values. `where` is the
// JSON path of the value for messages.
#pragma once

#include <simdjson.h>

#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/pure/status_macros.h"

namespace pmem::extender::json_walk {

namespace ondemand = simdjson::ondemand;

std::string Concat(std::initializer_list<std::string_view> parts);
std::string Element(std::string_view where, size_t index);  // "Nodes.items[3]"

absl::Status Malformed(std::string_view where, simdjson::error_code error);
absl::Status WrongType(std::string_view where, std::string_view wanted);
absl::Status PastLimit(std::string_view where, std::string_view limit_name, size_t limit);

// Keys of Go structs match in any letter case.
bool KeyIs(std::string_view key, std::string_view wanted);

// Puts the object or array into `out` and is true; false for null. Errors: InvalidArgument.
absl::StatusOr<bool> Open(ondemand::value value, std::string_view where, ondemand::object& out);
absl::StatusOr<bool> Open(ondemand::value value, std::string_view where, ondemand::array& out);

// null leaves `out` as it is.
absl::Status Read(ondemand::value value, std::string_view where, std::string& out);
absl::Status Read(ondemand::value value, std::string_view where, bool& out);
absl::Status Read(ondemand::value value, std::string_view where, int64_t& out);

// A string as a view into the body, or into `unescaped` when it had escapes. null is an error.
absl::StatusOr<std::string_view> ReadView(ondemand::value value, std::string_view where,
                                          std::deque<std::string>& unescaped);

// The bytes of the value, from its first to its last. Scalars are not checked.
absl::StatusOr<std::string_view> RawJson(ondemand::value value, std::string_view where);
std::string_view TrimRight(std::string_view text);

// Calls on_field(key, value) -> Status for each member. `key` lives as long as the decoder's call.
template <class OnField>
absl::Status ForEachField(ondemand::object object, std::string_view where, OnField&& on_field) {
  for (auto field : object) {
    std::string_view key;
    if (const auto error = field.unescaped_key().get(key)) return Malformed(where, error);
    ondemand::value value;
    if (const auto error = field.value().get(value)) return Malformed(where, error);
    PMEM_RETURN_IF_ERROR(on_field(key, value));
  }
  return absl::OkStatus();
}

// Calls on_element(index, value) -> Status for each element; at most `max` of them.
template <class OnElement>
absl::Status ForEachElement(ondemand::array array, std::string_view where,
                            std::string_view limit_name, size_t max, OnElement&& on_element) {
  size_t index = 0;
  for (auto element : array) {
    ondemand::value value;
    if (const auto error = element.get(value)) return Malformed(where, error);
    if (index == max) return PastLimit(where, limit_name, max);
    PMEM_RETURN_IF_ERROR(on_element(index, value));
    ++index;
  }
  return absl::OkStatus();
}

}  // namespace pmem::extender::json_walk
