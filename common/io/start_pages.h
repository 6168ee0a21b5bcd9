// SPDX-License-Identifier: Apache-2.0
// Most of what a small program has resident is code and tables of libraries that ran once, at its
// start: relocations, static constructors, name tables. It can be read from their files again.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace pmem {

struct Mapping {
  uint64_t start = 0;
  uint64_t size_bytes = 0;
  bool operator==(const Mapping&) const = default;
};

// The mappings of files that are not written to, of the text of /proc/self/maps. Lines that are
// none are left out.
std::vector<Mapping> ReadOnlyFileMappings(std::string_view maps);

// Asks the kernel to take those pages back (MADV_PAGEOUT, Linux 5.4). What is needed later is read
// again when it is touched; nothing is lost, and where the kernel cannot or may not, nothing
// happens: pages that other programs have mapped, and files of another user, stay. Call it once,
// when all is started. Thread-safe.
void GiveBackStartPages();

}  // namespace pmem
