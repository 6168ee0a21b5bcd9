// SPDX-License-Identifier: Apache-2.0
// Leaves out of JSON what nobody will read, before a parser makes a tree of it. Pure, thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace pmem::extender {

// `json` without the elements of every array that is the value of a member of that name; what is
// left is JSON when `json` was. A member that is written with white space or escapes stays.
std::string WithoutArrays(std::string_view json, std::string_view member);

}  // namespace pmem::extender
