// SPDX-License-Identifier: Apache-2.0
// Private to extender/wire: the list of names at the end of a body, where Go's encoder puts it. It
// is nearly all of the body, and too plain to need a parser: a walk over its quotes takes half of
// what simdjson takes to index it, and who has no use for the names need not index them at all.
//
// Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pmem::extender {

// The array that ends `body` but for the brace behind it, `["n1","n2"]`: the value of a member
// NodeNames, in UTF-8, without another bracket or an escape in it. Empty: `body` does not end so.
std::string_view FindNamesTail(std::string_view body);

// The names in an array that holds nothing but strings without escapes, appended to `names`. False:
// `json` is no such array, has a name that is none (empty, past a limit of extender_v1.h), or line
// ends and the like anywhere; who reads it value by value finds out which. UTF-8 was checked.
bool ReadPlainNames(std::string_view json, std::vector<std::string_view>& names);

// While it lives, the array in the body is an empty one, and the body ends behind it, with a zero
// as at the end of any text: what a parser reads instead. The bytes are put back afterwards.
class WithoutNames {
 public:
  // `tail` is of `body` (FindNamesTail).
  WithoutNames(std::string& body, std::string_view tail);
  ~WithoutNames();
  WithoutNames(const WithoutNames&) = delete;
  WithoutNames& operator=(const WithoutNames&) = delete;

  size_t size() const { return size_; }  // Of the body without its names.

 private:
  char* const at_;
  const size_t size_;
  const char kept_[3];
};

}  // namespace pmem::extender
