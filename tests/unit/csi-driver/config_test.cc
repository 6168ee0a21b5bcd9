// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/config.h"

#include <gtest/gtest.h>

#include "csi-driver/grpc/server.h"

namespace pmem::driver {
namespace {

TEST(DriverConfig, TakesUnixEndpointsOnly) {
  std::string path;
  EXPECT_TRUE(ParseEndpoint("unix:/a/b", &path).ok());
  EXPECT_EQ(path, "/a/b");
  EXPECT_TRUE(ParseEndpoint("unix:///a/b", &path).ok());
  EXPECT_EQ(path, "/a/b");
  const std::string longest = "/" + std::string(kSocketPathBytesMax - 1, 'x');
  EXPECT_TRUE(ParseEndpoint("unix:" + longest, &path).ok());
  for (const std::string& text : {std::string("tcp://0.0.0.0:1"), std::string("unix:a"),
                                  std::string(), std::string("/a"), "unix:" + longest + "x"}) {
    EXPECT_FALSE(ParseEndpoint(text, &path).ok()) << text;
  }
}

TEST(DriverConfig, NeedsANodeName) {
  EXPECT_FALSE(Validate(DriverConfig()).ok());
  EXPECT_TRUE(Validate(DriverConfig{.node_name = "n1"}).ok());
  EXPECT_TRUE(Validate(DriverConfig{.node_name = std::string(63, 'n')}).ok());
  EXPECT_FALSE(Validate(DriverConfig{.node_name = std::string(64, 'n')}).ok());
  EXPECT_FALSE(
      Validate(DriverConfig{.node_name = "n1", .command_timeout = absl::Milliseconds(999)}).ok());
}

TEST(InitConfig, SplitsOnlyWhenToldHow) {
  EXPECT_TRUE(Validate(InitConfig{.kind = InitKind::kLvm}).ok());
  EXPECT_FALSE(Validate(InitConfig{.kind = InitKind::kLvm, .lvm_percent = 50}).ok());
  EXPECT_FALSE(Validate(InitConfig{.kind = InitKind::kBoth}).ok());
  EXPECT_TRUE(Validate(InitConfig{.kind = InitKind::kBoth, .lvm_percent = 50}).ok());
}

TEST(InitConfig, TakesTheKindFromOnePlace) {
  EXPECT_TRUE(Validate(InitConfig{.is_by_label = true, .node_name = "n1"}).ok());
  EXPECT_FALSE(Validate(InitConfig{.is_by_label = true}).ok());
  EXPECT_FALSE(
      Validate(InitConfig{.kind = InitKind::kLvm, .is_by_label = true, .node_name = "n1"}).ok());
  EXPECT_FALSE(Validate(InitConfig{.kind = InitKind::kLvm, .settings_file = "init.json"}).ok());
}

TEST(DriverConfig, IsSafeUnlessToldOtherwise) {
  EXPECT_EQ(DriverConfig().erasure, agent::Erasure::kAll);
  EXPECT_EQ(DriverConfig().socket_mode, mode_t{0600});
}

}  // namespace
}  // namespace pmem::driver
