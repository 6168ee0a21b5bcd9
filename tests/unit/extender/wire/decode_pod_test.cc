// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "extender/wire/extender_v1.h"
#include "tests/unit/extender/wire/wire_testing.h"

namespace pmem::extender {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<Pod> DecodePodJson(std::string_view pod) {
  std::string body = "{\"Pod\":" + std::string(pod) + ",\"NodeNames\":[\"n1\"]}";
  auto args = ExtenderDecoder().DecodeArgs(body, ReadCandidates::kAlways);
  if (!args.ok()) return args.status();
  return args->pod;
}

TEST(ExtenderDecoderPod, ReadsWhatTheVerbsNeed) {
  const auto pod = DecodePodJson(
      R"({"metadata":{"name":"db-0","namespace":"shop","uid":"u-1","resourceVersion":"12",
          "deletionTimestamp":"2026-01-02T03:04:05Z",
          "ownerReferences":[{"apiVersion":"apps/v1","kind":"StatefulSet","name":"db","uid":"u-2","controller":true},
                             {"kind":"X","name":"y","uid":"u-3","controller":false}]},
          "spec":{"schedulerName":"s","nodeName":"n9","volumes":[
            {"name":"data","persistentVolumeClaim":{"claimName":"data-db-0","readOnly":true}},
            {"name":"conf","configMap":{"name":"persistentVolumeClaim"}},
            {"ephemeral":{"volumeClaimTemplate":{"spec":{"storageClassName":"pmem-lvm"}}},"name":"scratch"}]},
          "status":{"phase":"Pending","nominatedNodeName":"n1"}})");
  ASSERT_TRUE(pod.ok()) << pod.status();
  Pod expected;
  expected.meta = {.key = {.kube_namespace = "shop", .name = "db-0"},
                   .uid = "u-1",
                   .resource_version = "12",
                   .is_deleting = true};
  expected.scheduler_name = "s";
  expected.node_name = "n9";
  expected.nominated_node_name = "n1";
  expected.phase = "Pending";
  expected.volumes = {{.name = "data", .claim_name = "data-db-0"},
                      {.name = "scratch", .claim_name = "db-0-scratch", .is_ephemeral = true}};
  expected.owners = {{.kind = "StatefulSet", .name = "db", .uid = "u-2", .controller = true},
                     {.kind = "X", .name = "y", .uid = "u-3", .controller = false}};
  EXPECT_EQ(*pod, expected);
}

TEST(ExtenderDecoderPod, MissingAndNullMembersStayEmpty) {
  for (
      const char* json :
      {"{}", R"({"metadata":null,"spec":null,"status":null})",
       R"({"metadata":{"name":null,"ownerReferences":null,"deletionTimestamp":null},
            "spec":{"volumes":null,"nodeName":null},"status":{"nominatedNodeName":null}})",
       R"({"spec":{"volumes":[null,{},{"name":"v","persistentVolumeClaim":null,"ephemeral":null}]}})"}) {
    SCOPED_TRACE(json);
    const auto pod = DecodePodJson(json);
    ASSERT_TRUE(pod.ok()) << pod.status();
    EXPECT_EQ(*pod, Pod());
  }
}

TEST(ExtenderDecoderPod, UnescapesText) {
  const auto pod = DecodePodJson(R"({"metadata":{"name":"a\u002db","namespace":"日本"}})");
  ASSERT_TRUE(pod.ok()) << pod.status();
  EXPECT_EQ(pod->meta.key, (ObjectKey{.kube_namespace = "日本", .name = "a-b"}));
}

struct WrongType {
  const char* name;
  const char* pod;
  const char* message;
};
void PrintTo(const WrongType& c, std::ostream* os) { *os << c.pod; }

class WrongTypeInPod : public testing::TestWithParam<WrongType> {};

TEST_P(WrongTypeInPod, IsRefusedWithItsPlace) {
  const auto pod = DecodePodJson(GetParam().pod);
  EXPECT_EQ(pod.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(pod.status().message()), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    ExtenderDecoderPod, WrongTypeInPod,
    testing::Values(
        WrongType{"Metadata", R"({"metadata":[]})", "Pod.metadata: wanted an object"},
        WrongType{"Name", R"({"metadata":{"name":1}})", "Pod.metadata.name: wanted a string"},
        WrongType{"Uid", R"({"metadata":{"uid":{}}})", "Pod.metadata.uid: wanted a string"},
        WrongType{"Owners", R"({"metadata":{"ownerReferences":{}}})",
                  "ownerReferences: wanted an array"},
        WrongType{"Owner", R"({"metadata":{"ownerReferences":[1]}})",
                  "ownerReferences[0]: wanted an object"},
        WrongType{"Controller", R"({"metadata":{"ownerReferences":[{"controller":"yes"}]}})",
                  "ownerReferences.controller: wanted true or false"},
        WrongType{"Spec", R"({"spec":true})", "Pod.spec: wanted an object"},
        WrongType{"Volumes", R"({"spec":{"volumes":{}}})", "Pod.spec.volumes: wanted an array"},
        WrongType{"Volume", R"({"spec":{"volumes":[{},"v"]}})",
                  "Pod.spec.volumes[1]: wanted an object"},
        WrongType{"ClaimSource", R"({"spec":{"volumes":[{"persistentVolumeClaim":"c"}]}})",
                  "Pod.spec.volumes[0]: wanted an object"},
        WrongType{"ClaimName",
                  R"({"spec":{"volumes":[{"persistentVolumeClaim":{"claimName":5}}]}})",
                  "Pod.spec.volumes[0]: wanted a string"},
        WrongType{"Ephemeral", R"({"spec":{"volumes":[{"ephemeral":[]}]}})", "wanted an object"},
        WrongType{"Status", R"({"status":"Pending"})", "Pod.status: wanted an object"},
        WrongType{"Nominated", R"({"status":{"nominatedNodeName":[]}})", "wanted a string"}),
    CaseName);

}  // namespace
}  // namespace pmem::extender
