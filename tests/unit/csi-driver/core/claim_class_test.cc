// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/core/claim_class.h"

#include <gtest/gtest.h>

#include <string>

namespace pmem::driver {
namespace {

constexpr char kVolume[] = "disk-c1";

TEST(ClaimPath, IsThatOfTheClaim) {
  EXPECT_EQ(*ClaimPath("shop", "data-0.a"),
            "/api/v1/namespaces/shop/persistentvolumeclaims/data-0.a");
}

TEST(ClaimPath, RefusesWhatIsNoName) {
  const std::string too_long(254, 'x');
  for (const std::string& name :
       {std::string(), std::string(".."), std::string("a/b"), std::string("a?b"), std::string("A"),
        std::string("a%2e"), too_long}) {
    SCOPED_TRACE(name);
    EXPECT_TRUE(absl::IsInvalidArgument(ClaimPath("shop", name).status()));
    EXPECT_TRUE(absl::IsInvalidArgument(ClaimPath(name, "data").status()));
  }
  EXPECT_TRUE(ClaimPath("shop", std::string(253, 'x')).ok());
}

struct ClassRow {
  const char* claim;
  const char* class_name;
};

constexpr ClassRow kClaims[] = {
    {R"({"metadata":{"uid":"c1"},"spec":{"storageClassName":"pmem-lvm"}})", "pmem-lvm"},
    {R"({"metadata":{"uid":"c1","annotations":{"volume.beta.kubernetes.io/storage-class":"old"}},
         "spec":{"storageClassName":"new"}})",
     "old"},
    {R"({"metadata":{"uid":"c1","annotations":{"a":"b"}},"spec":{"storageClassName":"new"}})",
     "new"},
    {R"({"metadata":{"uid":"c1"},"spec":{}})", ""},
    {R"({"metadata":{"uid":"of a later one"},"spec":{"storageClassName":"pmem-lvm"}})", ""},
};

TEST(ClassOfClaim, IsWhatTheApiServerGoesBy) {
  for (const ClassRow& row : kClaims) {
    SCOPED_TRACE(row.claim);
    EXPECT_EQ(ClassOfClaim(row.claim, kVolume).value_or("error"), row.class_name);
  }
}

TEST(ClassOfClaim, RefusesWhatIsNoClaim) {
  for (const char* text : {"", "[]", "{}", R"({"metadata":{}})", R"({"metadata":{"uid":"c1"}})",
                           R"({"metadata":{"uid":"c1"},"spec":{"storageClassName":1}})"}) {
    SCOPED_TRACE(text);
    EXPECT_TRUE(absl::IsInvalidArgument(ClassOfClaim(text, kVolume).status()));
  }
}

}  // namespace
}  // namespace pmem::driver
