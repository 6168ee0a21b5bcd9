// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/device/lvm_maker.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/time/clock.h"

namespace pmem::agent {
namespace {

// An lvm that takes its time, whatever it is called for.
class SlowLvm : public testing::Test {
 protected:
  SlowLvm() : program_(testing::TempDir() + "/slow-lvm-" + std::to_string(::getpid())) {
    std::ofstream(program_) << "#!/bin/sh\nsleep 60\n";
    std::filesystem::permissions(program_, std::filesystem::perms::owner_all);
  }
  ~SlowLvm() override { std::filesystem::remove(program_); }
  const std::string program_;
};

TEST_F(SlowLvm, TakesTheRoomInTimeOrNever) {
  LvmMaker maker(program_, absl::Seconds(60), absl::Milliseconds(200));
  const absl::Time began = absl::Now();
  const absl::Status made = maker.Create({"pmemvgregion0", "disk-1"}, 4194304);
  EXPECT_TRUE(absl::IsDeadlineExceeded(made)) << made;
  EXPECT_LT(absl::Now() - began, absl::Seconds(10));
}

TEST_F(SlowLvm, HasTheCommandsTimeWhereThatIsLess) {
  LvmMaker maker(program_, absl::Milliseconds(200));
  EXPECT_TRUE(absl::IsDeadlineExceeded(maker.Create({"pmemvgregion0", "disk-1"}, 4194304)));
}

}  // namespace
}  // namespace pmem::agent
