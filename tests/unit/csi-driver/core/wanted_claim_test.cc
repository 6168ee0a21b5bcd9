// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/core/wanted_claim.h"

#include <gtest/gtest.h>

namespace pmem::driver {
namespace {

struct WantedRow {
  const char* claim;
  absl::StatusCode code;
};

constexpr WantedRow kClaims[] = {
    {R"({"metadata":{"uid":"c1","annotations":{"volume.kubernetes.io/selected-node":"n1"}},
         "spec":{}})",
     absl::StatusCode::kOk},
    {R"({"metadata":{"uid":"c1","annotations":{"volume.kubernetes.io/selected-node":"n2"}},
         "spec":{}})",
     absl::StatusCode::kFailedPrecondition},
    {R"({"metadata":{"uid":"c1","annotations":{"a":"n1"}},"spec":{}})",
     absl::StatusCode::kFailedPrecondition},
    {R"({"metadata":{"uid":"c1"},"spec":{}})", absl::StatusCode::kFailedPrecondition},
    {R"({"metadata":{"uid":"c2","annotations":{"volume.kubernetes.io/selected-node":"n1"}},
         "spec":{}})",
     absl::StatusCode::kFailedPrecondition},
    {R"({"metadata":{"uid":"c1","annotations":{"volume.kubernetes.io/selected-node":"n1"}},
         "spec":{"volumeName":"by-hand"}})",
     absl::StatusCode::kFailedPrecondition},
    {"", absl::StatusCode::kInvalidArgument},
    {"{}", absl::StatusCode::kInvalidArgument},
    {R"({"metadata":{"uid":"c1"}})", absl::StatusCode::kInvalidArgument},
    {R"({"metadata":{"uid":1},"spec":{}})", absl::StatusCode::kInvalidArgument},
    {R"({"metadata":{"uid":"c1","annotations":{"volume.kubernetes.io/selected-node":1}},
         "spec":{}})",
     absl::StatusCode::kInvalidArgument},
};

TEST(CheckWanted, IsForTheClaimThatIsPinnedHereAndHasNoVolume) {
  for (const WantedRow& row : kClaims) {
    SCOPED_TRACE(row.claim);
    EXPECT_EQ(CheckWanted(row.claim, "disk-c1", "n1").code(), row.code);
  }
}

TEST(CheckWanted, SaysWhereTheClaimIs) {
  EXPECT_EQ(CheckWanted(kClaims[1].claim, "disk-c1", "n1").message(),
            "the claim's selected node is n2, not n1: disk-c1 is not made here");
}

}  // namespace
}  // namespace pmem::driver
