// SPDX-License-Identifier: Apache-2.0
// StorageClasses, and the nodes that their allowedTopologies leave.
#include <gtest/gtest.h>

#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "extender/core/kube_decode.h"

namespace pmem::extender {
namespace {

TEST(KubeDecode, StorageClassIsReadWhole) {
  const absl::StatusOr<StorageClass> storage_class = DecodeObject<StorageClass>(R"({
    "metadata":{"name":"pmem-lvm"},"provisioner":"pmem.csi.alibabacloud.com",
    "volumeBindingMode":"WaitForFirstConsumer","parameters":{"pmemType":"lvm"}})");
  ASSERT_TRUE(storage_class.ok()) << storage_class.status();
  EXPECT_EQ(*storage_class, (StorageClass{.meta = {.key = {.name = "pmem-lvm"}},
                                          .provisioner = "pmem.csi.alibabacloud.com",
                                          .is_wait_for_first_consumer = true,
                                          .parameters = {{"pmemType", "lvm"}}}));
}

#define NODE_IN(values) R"({"key":"topology.pmem.csi.alibabacloud.com/node","values":)" values "}"
#define TERM(requirements) R"({"matchLabelExpressions":[)" requirements "]}"
#define ZONE_A R"({"key":"topology.kubernetes.io/zone","values":["a"]})"

using Names = std::optional<std::vector<std::string>>;

struct TopologyCase {
  const char* name;
  const char* topologies;
  Names nodes;
};

void PrintTo(const TopologyCase& c, std::ostream* os) { *os << c.topologies; }

class AllowedTopologies : public ::testing::TestWithParam<TopologyCase> {};

TEST_P(AllowedTopologies, LeaveTheNodesThatTheProvisionerWillMakeAVolumeOn) {
  const absl::StatusOr<StorageClass> storage_class = DecodeObject<StorageClass>(
      absl::StrCat(R"({"metadata":{"name":"s"},"allowedTopologies":)", GetParam().topologies, "}"));
  ASSERT_TRUE(storage_class.ok()) << storage_class.status();
  EXPECT_EQ(storage_class->allowed_nodes, GetParam().nodes);
}

INSTANTIATE_TEST_SUITE_P(
    Terms, AllowedTopologies,
    ::testing::Values(
        TopologyCase{"None", "[]", std::nullopt}, TopologyCase{"Null", "null", std::nullopt},
        TopologyCase{"OneTerm", "[" TERM(NODE_IN(R"(["n3","n1"])")) "]", Names({"n1", "n3"})},
        TopologyCase{"AnyOfTheTerms",
                     "[" TERM(NODE_IN(R"(["n2"])")) "," TERM(NODE_IN(R"(["n1","n2"])")) "]",
                     Names({"n1", "n2"})},
        TopologyCase{"AKeyThatIsNotTheDrivers", "[" TERM(ZONE_A) "]", Names(std::in_place)},
        TopologyCase{"ATermThatWantsAnotherKeyToo",
                     "[" TERM(NODE_IN(R"(["n1"])") "," ZONE_A) "," TERM(NODE_IN(R"(["n2"])")) "]",
                     Names({"n2"})},
        TopologyCase{"ATermThatWantsNothing", "[{}]", Names(std::in_place)}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(KubeDecode, AClassNamesNoMoreNodesThanTheLargestClusterHas) {
  const auto status = [](size_t count) {
    std::string names = R"("n")";
    for (size_t i = 1; i < count; ++i) names += R"(,"n")";
    return DecodeObject<StorageClass>(
               R"({"metadata":{"name":"s"},"allowedTopologies":[{"matchLabelExpressions":[)"
               R"({"key":"topology.pmem.csi.alibabacloud.com/node","values":[)" +
               names + "]}]}]}")
        .status();
  };
  EXPECT_TRUE(status(kAllowedNodesMax).ok());
  const absl::Status refused = status(kAllowedNodesMax + 1);
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StrContains(refused.message(), "allowedTopologies[0]")) << refused;
}

}  // namespace
}  // namespace pmem::extender
