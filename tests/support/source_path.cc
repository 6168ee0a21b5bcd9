// SPDX-License-Identifier: Apache-2.0
#include "tests/support/source_path.h"

#include "absl/strings/str_cat.h"

namespace pmem {

std::string SourcePath(absl::string_view path) { return absl::StrCat(PMEM_SOURCE_ROOT "/", path); }

}  // namespace pmem
