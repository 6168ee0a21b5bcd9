// SPDX-License-Identifier: Apache-2.0
#include "common/io/open_files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace pmem {
namespace {

class OpenFilesTest : public testing::Test {
 protected:
  OpenFilesTest() {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    const rlimit low{.rlim_cur = 100, .rlim_max = before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  }
  ~OpenFilesTest() override { ::setrlimit(RLIMIT_NOFILE, &before_); }
  static int64_t SoftLimit() {
    rlimit now{};
    ::getrlimit(RLIMIT_NOFILE, &now);
    return static_cast<int64_t>(now.rlim_cur);
  }

  rlimit before_{};
};

TEST_F(OpenFilesTest, TheSoftLimitIsRaised) {
  EXPECT_EQ(RaiseOpenFilesLimit(150), 150);
  EXPECT_EQ(SoftLimit(), 150);
}

TEST_F(OpenFilesTest, NothingIsLowered) {
  EXPECT_EQ(RaiseOpenFilesLimit(50), 100);
  EXPECT_EQ(SoftLimit(), 100);
}

TEST_F(OpenFilesTest, TheHardLimitIsTheEnd) {
  const auto hard = static_cast<int64_t>(before_.rlim_max);
  if (hard < 0) GTEST_SKIP() << "there is no hard limit";
  EXPECT_EQ(RaiseOpenFilesLimit(hard + 1), hard);
}

}  // namespace
}  // namespace pmem
