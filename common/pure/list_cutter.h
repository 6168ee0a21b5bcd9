// SPDX-License-Identifier: Apache-2.0
// Cuts a list of the Kubernetes API (`{"kind":...,"metadata":{...},"items":[{...},{...}]}`) that
// comes in blocks into its items, so that nobody has to keep all of it. It looks at quotes and
// brackets only: whoever reads an item finds out whether it is JSON. Pure. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace pmem {

class ListCutter {
 public:
  using OnItem = std::function<absl::Status(std::string_view item)>;

  // `item_bytes_max`: of each item, and of all that stands around the items.
  explicit ListCutter(int64_t item_bytes_max)
      : item_bytes_max_(static_cast<size_t>(item_bytes_max)) {}

  // Calls `on_item` for every item that ends in this block. Returns the first error of `on_item`;
  // ResourceExhausted for an item that is too long; InvalidArgument for an item that is no object,
  // or for something after the list. Then the cutter is of no further use.
  absl::Status Append(std::string_view block, const OnItem& on_item);

  // The list without its items: `{"kind":...,"metadata":{...},"items":[]}`. InvalidArgument: the
  // list has not come to its end.
  absl::StatusOr<std::string> Frame() const;

 private:
  absl::Status ReadFrame(char c);
  absl::Status BeginItem(char c);
  bool ItemsBegin() const;
  size_t EndOfItem(std::string_view text, size_t begin);

  const size_t item_bytes_max_;
  std::string frame_;
  std::string rest_;          // Of an item whose end has not come.
  int depth_ = 0;             // Of brackets that are open, in the frame or in the item.
  bool is_in_text_ = false;   // Between quotes.
  bool is_escaped_ = false;   // After a backslash there.
  bool is_in_items_ = false;  // Between the brackets of "items".
  bool is_in_item_ = false;
  bool is_whole_ = false;
};

}  // namespace pmem
