// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/device/erase.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace pmem::agent {
namespace {

namespace fs = std::filesystem;

TEST(Holders, AreThoseOfTheDeviceAndOfItsPartitions) {
  const fs::path device = testing::TempDir() + "/holders-" + std::to_string(::getpid());
  EXPECT_EQ(HoldersIn(device), "");
  fs::create_directories(device / "holders/dm-3/dm");
  std::ofstream(device / "holders/dm-3/dm/name") << "theirs-lv\n";
  fs::create_directories(device / "queue/holders/dm-9");  // No partition.
  fs::create_directories(device / "pmem1p1/holders/md0");
  std::ofstream(device / "pmem1p1/partition") << "1\n";
  EXPECT_EQ(HoldersIn(device), "dm-3 (theirs-lv), md0");
  fs::remove_all(device);
}

}  // namespace
}  // namespace pmem::agent
