// SPDX-License-Identifier: Apache-2.0
#include "common/io/files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace pmem {
namespace {

TEST(ReadFile, GivesTheWholeFileUpToTheLimit) {
  const std::string path = ::testing::TempDir() + "/files_test-" + std::to_string(::getpid());
  const std::string text(100'000, 'x');
  std::ofstream(path) << text;
  EXPECT_EQ(*ReadFile(path, 100'000), text);
  const absl::Status too_long = ReadFile(path, 99'999).status();
  EXPECT_TRUE(absl::IsResourceExhausted(too_long)) << too_long;
  std::remove(path.c_str());
}

TEST(ReadFile, ReadsFilesWithoutASize) {
  EXPECT_FALSE(ReadFile("/proc/self/stat", 100'000)->empty());
  EXPECT_EQ(*ReadFile("/dev/null", 0), "");
}

TEST(ReadFile, SaysWhyNotAndNamesThePath) {
  const absl::Status none = ReadFile("/no/such/file", 10).status();
  EXPECT_TRUE(absl::IsNotFound(none));
  EXPECT_NE(none.message().find("/no/such/file"), absl::string_view::npos);
  EXPECT_TRUE(absl::IsUnavailable(ReadFile("/", 10).status()));
}

}  // namespace
}  // namespace pmem
