// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace pmem {

// A file of this checkout, by its path from the root.
std::string SourcePath(absl::string_view path);

}  // namespace pmem
