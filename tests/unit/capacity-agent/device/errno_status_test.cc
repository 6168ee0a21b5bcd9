// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/device/errno_status.h"

#include <gtest/gtest.h>

namespace pmem::agent {
namespace {

TEST(ErrnoStatus, NothingIsFinalOnceTheVolumeHasItsName) {
  EXPECT_TRUE(LateStatus(absl::OkStatus()).ok());
  for (const int error : {ENOENT, ENXIO, ENODEV, EACCES, EBUSY, EINVAL, EIO}) {
    const absl::Status status = ErrnoStatus(error, "disk-1");
    EXPECT_EQ(LateStatus(status), absl::UnavailableError(status.message())) << error;
  }
}

}  // namespace
}  // namespace pmem::agent
