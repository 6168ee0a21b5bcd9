// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/config.h"
#include "capacity-agent/core/device_choice.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "capacity-agent/agent.h"
#include "capacity-agent/collector.h"
#include "capacity-agent/http_api.h"

namespace pmem::agent {
namespace {

AgentConfig Good() { return {.node_name = "n1"}; }

TEST(AgentConfig, ANodeNameIsAllThatIsNeeded) { EXPECT_TRUE(Validate(Good()).ok()); }

TEST(AgentConfig, WhatCannotWorkIsNamed) {
  AgentConfig config = Good();
  config.node_name = "";
  EXPECT_EQ(Validate(config), absl::InvalidArgumentError("--node-name is missing"));
  config.node_name = std::string(257, 'n');
  EXPECT_EQ(Validate(config), absl::InvalidArgumentError("--node-name has 257 bytes, at most 256"));
  config = Good();
  config.resync = absl::Milliseconds(999);
  EXPECT_EQ(Validate(config), absl::InvalidArgumentError("--resync 999ms is below 1s"));
  config = Good();
  config.lvm_timeout = absl::Seconds(45);
  EXPECT_TRUE(Validate(config).ok());
  config.lvm_timeout = absl::Seconds(46);
  EXPECT_EQ(Validate(config), absl::InvalidArgumentError("--lvm-timeout 46s is above 45s"));
  config = Good();
  config.volume_group_pattern = "";
  EXPECT_TRUE(Validate(config).ok());
  config.region_pattern = ",";
  EXPECT_EQ(Validate(config),
            absl::InvalidArgumentError("--vg-pattern and --region-pattern are both empty"));
}

TEST(AgentConfig, AReadingThatWaitsForLvmDoesNotLookLikeOneThatHangs) {
  EXPECT_LT(kLvmTimeoutMax + 2 * kRetryPeriod, kTickAgeMax);
}

TEST(AgentConfig, DevicesAreRealOrAFile) {
  std::string file = "before";
  EXPECT_TRUE(ParseDevices("real", &file).ok());
  EXPECT_EQ(file, "");
  EXPECT_TRUE(ParseDevices("simulated:/a:b", &file).ok());
  EXPECT_EQ(file, "/a:b");
  for (const char* text : {"", "simulated", "simulated:", "Real", "real:x"}) {
    EXPECT_FALSE(ParseDevices(text, &file).ok()) << text;
  }
}

TEST(AgentConfig, FlagsReachTheConfig) {
  const std::vector<const char*> argv = {"agent",       "--node-name",   "n7", "--devices",
                                         "simulated:f", "--resync",      "5s", "--vg-pattern",
                                         "vg*",         "--lvm-command", "",   "--log-level",
                                         "debug"};
  AgentConfig config;
  EXPECT_EQ(ParseConfig(static_cast<int>(argv.size()), argv.data(), &config), std::nullopt);
  EXPECT_EQ(config.node_name, "n7");
  EXPECT_EQ(config.simulated_file, "f");
  EXPECT_EQ(config.resync, absl::Seconds(5));
  EXPECT_EQ(config.volume_group_pattern, "vg*");
  EXPECT_EQ(config.lvm_command, "");
  EXPECT_EQ(config.log_level, LogLevel::kDebug);
}

std::vector<std::string> SourcesOf(const AgentConfig& config) {
  std::vector<std::string> sources;
  for (const auto& reader : MakeReaders(config)) sources.emplace_back(reader->source());
  return sources;
}

TEST(AgentConfig, ReadersFollowTheDevices) {
  AgentConfig config = Good();
  EXPECT_EQ(SourcesOf(config), (std::vector<std::string>{"ndctl", "lvm"}));
  config.lvm_command = "";
  EXPECT_EQ(SourcesOf(config), std::vector<std::string>{"ndctl"});
  config.lvm_command = "none";
  EXPECT_EQ(SourcesOf(config), std::vector<std::string>{"ndctl"});
  config.simulated_file = "f";
  EXPECT_EQ(SourcesOf(config), std::vector<std::string>{"simulated"});
}

}  // namespace
}  // namespace pmem::agent
