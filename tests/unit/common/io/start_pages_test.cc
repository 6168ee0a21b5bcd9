// SPDX-License-Identifier: Apache-2.0
#include "common/io/start_pages.h"

#include <gtest/gtest.h>

#include <numeric>

namespace pmem {
namespace {

TEST(ReadOnlyFileMappings, AreThoseOfFilesThatNobodyWritesTo) {
  constexpr char kMaps[] =
      "55d0c000-55d0e000 r--p 00000000 08:01 42                         /usr/bin/x\n"
      "55d0e000-55d13000 r-xp 00002000 08:01 42                         /usr/bin/with a blank\n"
      "55d14000-55d15000 rw-p 00007000 08:01 42                         /usr/bin/x\n"
      "55d90000-55db1000 rw-p 00000000 00:00 0                          [heap]\n"
      "7ffd1000-7ffd3000 r-xp 00000000 00:00 0                          [vdso]\n"
      "7f000000-7f001000 ---p 00000000 00:00 0 \n"
      "no mapping at all\n"
      "zz-7f001000 r--p 00000000 08:01 42 /usr/bin/x\n"
      "7f003000-7f002000 r--p 00000000 08:01 42 /usr/bin/x\n";
  EXPECT_EQ(ReadOnlyFileMappings(kMaps),
            (std::vector<Mapping>{{0x55d0c000, 0x2000}, {0x55d0e000, 0x5000}}));
}

TEST(GiveBackStartPages, LeavesEverythingAsItWas) {
  std::vector<int> written(1 << 16);
  std::iota(written.begin(), written.end(), 0);
  GiveBackStartPages();
  EXPECT_EQ(std::accumulate(written.begin(), written.end(), int64_t{0}),
            (int64_t{1} << 31) - 32768);
  EXPECT_EQ(ReadOnlyFileMappings("a-b"), std::vector<Mapping>{});
}

}  // namespace
}  // namespace pmem
