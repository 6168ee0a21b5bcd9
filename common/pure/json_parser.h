// SPDX-License-Identifier: Apache-2.0
// For json_tree only: fills a tree from its text.
//
// simdjson reads it, at several times the speed. What that refuses, and a text with fractions in
// it, is left to nlohmann/json: its is the last word on what is JSON and what it means, and it
// tells at which byte a text is broken.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "common/pure/json_tree.h"

namespace pmem {

// `tree` is new. Errors: InvalidArgument with the byte, ResourceExhausted. Pure.
absl::Status FillTree(std::string_view text, const JsonLimits& limits, JsonTree* tree);

}  // namespace pmem
