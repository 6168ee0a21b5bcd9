// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/device/mount_options.h"

#include <sys/mount.h>

#include <algorithm>
#include <string_view>

namespace pmem::driver {
namespace {

struct Word {
  std::string_view word;
  unsigned long set;
  unsigned long clear;
};

constexpr Word kWords[] = {
    {"defaults", 0, 0},
    {"ro", MS_RDONLY, 0},
    {"rw", 0, MS_RDONLY},
    {"nosuid", MS_NOSUID, 0},
    {"suid", 0, MS_NOSUID},
    {"nodev", MS_NODEV, 0},
    {"dev", 0, MS_NODEV},
    {"noexec", MS_NOEXEC, 0},
    {"exec", 0, MS_NOEXEC},
    {"sync", MS_SYNCHRONOUS, 0},
    {"async", 0, MS_SYNCHRONOUS},
    {"dirsync", MS_DIRSYNC, 0},
    {"noatime", MS_NOATIME, 0},
    {"atime", 0, MS_NOATIME},
    {"nodiratime", MS_NODIRATIME, 0},
    {"diratime", 0, MS_NODIRATIME},
    {"relatime", MS_RELATIME, 0},
    {"norelatime", 0, MS_RELATIME},
    {"strictatime", MS_STRICTATIME, 0},
    {"lazytime", MS_LAZYTIME, 0},
    {"nolazytime", 0, MS_LAZYTIME},
};

}  // namespace

MountOptions MountOptionsOf(const std::vector<std::string>& words) {
  MountOptions options;
  for (const std::string& word : words) {
    const auto known = std::find_if(std::begin(kWords), std::end(kWords),
                                    [&word](const Word& each) { return each.word == word; });
    if (known == std::end(kWords)) {
      options.text += (options.text.empty() ? "" : ",") + word;
    } else {
      options.flags = (options.flags | known->set) & ~known->clear;
    }
  }
  return options;
}

}  // namespace pmem::driver
