// SPDX-License-Identifier: Apache-2.0
// The file itself; loop devices are tried in tests/csi, which needs root.
#include "capacity-agent/device/simulated_maker.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdio>
#include <fstream>

#include "common/io/files.h"

namespace pmem::agent {
namespace {

TEST(SimulatedMaker, RewritesTheFileInOneStep) {
  const std::string path = testing::TempDir() + "/simulated_maker_test.json";
  std::ofstream(path) << R"({"volume_groups":[{"name":"g","size_bytes":8388608}]})";
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  SimulatedMaker maker(path);
  ASSERT_TRUE(maker.Create({"g", "disk-1"}, 4194304, absl::OkStatus).ok());
  EXPECT_EQ(*ReadFile(path, 1000), R"({"volume_groups":[{"name":"g","size_bytes":8388608,)"
                                   R"("volumes":[{"name":"disk-1","size_bytes":4194304}]}]})");
  struct stat info = {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, mode_t{0640});
  EXPECT_TRUE(absl::IsResourceExhausted(maker.Create({"g", "disk-2"}, 8388608, absl::OkStatus)));
  EXPECT_TRUE(absl::IsNotFound(maker.Open({"g", "disk-2"}).status()));
  const auto refuse = [&path] {
    EXPECT_NE(ReadFile(path, 1000)->find("new-disk-3"), std::string::npos) << "its room is taken";
    return absl::FailedPreconditionError("the claim is gone");
  };
  EXPECT_TRUE(absl::IsFailedPrecondition(maker.Create({"g", "disk-3"}, 4194304, refuse)));
  EXPECT_EQ(ReadFile(path, 1000)->find("disk-3"), std::string::npos);
  EXPECT_FALSE(*maker.MayHoldData({"g", "disk-1"}));
  std::ofstream(path + ".volumes/g.disk-1") << "data";
  EXPECT_TRUE(*maker.MayHoldData({"g", "disk-1"}));
  EXPECT_TRUE(maker.Remove({"g", "disk-1"}).ok());
  EXPECT_EQ(ReadFile(path, 1000)->find("disk-1"), std::string::npos);
  std::remove(path.c_str());
}

}  // namespace
}  // namespace pmem::agent
