// SPDX-License-Identifier: Apache-2.0
// What several views write alike. Pure.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "common/pure/json_writer.h"
#include "extender/core/known_nodes.h"

namespace pmem::extender {

// Whole seconds since `then`; null: never.
inline void WriteAge(absl::Time then, absl::Time now, std::string_view name, JsonWriter& json) {
  json.Key(name);
  if (then == absl::InfinitePast()) {
    json.Null();
  } else {
    json.Int(absl::ToInt64Seconds(std::max(absl::ZeroDuration(), now - then)));
  }
}

// The array of the page's nodes, and where to go on. write(node) returns false for one that is not
// of the page.
inline void WriteNodesPage(const Ledger& ledger, const Page& page, JsonWriter& json,
                           absl::FunctionRef<bool(const KnownNode&)> write) {
  json.BeginArray();
  const std::string last = LookAtNodes(ledger, page, write);
  json.EndArray();
  if (!last.empty()) json.String("continue", last);
}

}  // namespace pmem::extender
