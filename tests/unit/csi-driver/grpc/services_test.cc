// SPDX-License-Identifier: Apache-2.0
// What each service answers, in gRPC's terms; called without a socket.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>

#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "csi-driver/grpc/controller_service.h"
#include "csi-driver/grpc/identity_service.h"
#include "csi-driver/grpc/node_service.h"
#include "tests/unit/csi-driver/node_fixture.h"

namespace pmem::driver {
namespace {

using ::csi::v1::CreateVolumeRequest;
using ::csi::v1::CreateVolumeResponse;

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

constexpr char kWriter[] =
    "volume_capabilities { mount {} access_mode { mode: SINGLE_NODE_WRITER } } ";
constexpr char kWriterOnce[] =
    "volume_capability { mount {} access_mode { mode: SINGLE_NODE_WRITER } } ";
constexpr char kLvm[] = "parameters { key: 'pmemType' value: 'lvm' } ";

class ServicesTest : public NodeFixture {
 protected:
  grpc::StatusCode CodeOfCreate(const std::string& text, CreateVolumeResponse* response) {
    const auto request = Parse<CreateVolumeRequest>(text);
    return controller_.CreateVolume(nullptr, &request, response).error_code();
  }
  grpc::StatusCode CodeOfCreate(const std::string& text) {
    CreateVolumeResponse response;
    return CodeOfCreate(text, &response);
  }

  grpc::Status Expand(const std::string& text, ::csi::v1::ControllerExpandVolumeResponse* out) {
    const auto request = Parse<::csi::v1::ControllerExpandVolumeRequest>(text);
    return controller_.ControllerExpandVolume(nullptr, &request, out);
  }

  absl::StatusOr<VolumeFacts> elsewhere_ = VolumeFacts{};
  absl::StatusOr<std::string> claim_ = absl::FailedPreconditionError("no API server");
  std::vector<std::string> asked_;  // Paths of the API server.
  ControllerService controller_{
      &volumes_,
      {.node = "n1",
       .file_system = "ext4",
       .facts_elsewhere = [this](const std::string&) { return elsewhere_; },
       .kube_object =
           [this](const std::string& path) {
             asked_.push_back(path);
             return claim_;
           }}};
  NodeService node_{&volumes_, &staging_, "n1", "ext4"};
  IdentityService identity_{&volumes_, "1.2.3"};
};

TEST_F(ServicesTest, CreateVolumeAnswersWhereTheVolumeIs) {
  CreateVolumeResponse response;
  ASSERT_EQ(CodeOfCreate(std::string("name: 'disk-1' capacity_range { required_bytes: 1000 } ") +
                             kWriter + kLvm,
                         &response),
            grpc::StatusCode::OK);
  EXPECT_EQ(response.ShortDebugString(),
            "volume { capacity_bytes: 4194304 volume_id: \"disk-1\" volume_context { key: "
            "\"pmemType\" value: \"lvm\" } accessible_topology { segments { key: "
            "\"topology.pmem.csi.alibabacloud.com/node\" value: \"n1\" } } }");
}

struct CodeCase {
  const char* name;
  std::string request;
  grpc::StatusCode code;
};

class CreateVolumeCodes : public ServicesTest, public testing::WithParamInterface<CodeCase> {};

TEST_P(CreateVolumeCodes, AreAsTheSpecificationHasThem) {
  ASSERT_TRUE(Make("disk-there", "lvm", kGiB).ok());
  EXPECT_EQ(CodeOfCreate(GetParam().request), GetParam().code);
}

std::string Request(const std::string& more, const std::string& uses = kWriter) {
  return "name: 'disk-1' " + uses + more;
}

INSTANTIATE_TEST_SUITE_P(
    Requests, CreateVolumeCodes,
    testing::Values(
        CodeCase{"Good", Request(kLvm), grpc::OK},
        CodeCase{"NoName", std::string(kWriter) + kLvm, grpc::INVALID_ARGUMENT},
        CodeCase{"NameTooLong", "name: '" + std::string(129, 'x') + "' " + kWriter + kLvm,
                 grpc::INVALID_ARGUMENT},
        CodeCase{"LongestName", "name: '" + std::string(128, 'x') + "' " + kWriter + kLvm,
                 grpc::OK},
        CodeCase{"NoCapability", Request(kLvm, ""), grpc::INVALID_ARGUMENT},
        CodeCase{"NeitherMountNorBlock",
                 Request(kLvm, "volume_capabilities { access_mode { mode: SINGLE_NODE_WRITER } }"),
                 grpc::INVALID_ARGUMENT},
        CodeCase{"NoAccessMode", Request(kLvm, "volume_capabilities { mount {} }"),
                 grpc::INVALID_ARGUMENT},
        CodeCase{"SeveralNodes",
                 Request(kLvm,
                         "volume_capabilities { mount {} access_mode { mode: "
                         "MULTI_NODE_MULTI_WRITER } }"),
                 grpc::INVALID_ARGUMENT},
        CodeCase{"UnknownFileSystem",
                 Request(kLvm,
                         "volume_capabilities { mount { fs_type: 'btrfs' } access_mode { "
                         "mode: SINGLE_NODE_WRITER } }"),
                 grpc::INVALID_ARGUMENT},
        CodeCase{"XfsOfAMegabyte",
                 Request(std::string(kLvm) + "capacity_range { required_bytes: 1048576 }",
                         "volume_capabilities { mount { fs_type: 'xfs' } access_mode { mode: "
                         "SINGLE_NODE_WRITER } }"),
                 grpc::OUT_OF_RANGE},
        CodeCase{"UnknownParameter",
                 Request(std::string(kLvm) + "parameters { key: 'pmemtype' value: 'lvm' }"),
                 grpc::INVALID_ARGUMENT},
        CodeCase{"ProvisionersParameter",
                 Request(std::string(kLvm) +
                         "parameters { key: 'csi.storage.k8s.io/pvc/name' value: 'c' }"),
                 grpc::OK},
        CodeCase{"UnknownKind", Request("parameters { key: 'pmemType' value: 'ssd' }"),
                 grpc::INVALID_ARGUMENT},
        CodeCase{"NoKindOnANodeWithBoth", Request(""), grpc::INVALID_ARGUMENT},
        CodeCase{
            "FromASnapshot",
            Request(std::string(kLvm) + "volume_content_source { snapshot { snapshot_id: 's' } }"),
            grpc::INVALID_ARGUMENT},
        CodeCase{"NegativeSize",
                 Request(std::string(kLvm) + "capacity_range { required_bytes: -1 }"),
                 grpc::INVALID_ARGUMENT},
        CodeCase{"LimitBelowTheRoundedSize",
                 Request(std::string(kLvm) + "capacity_range { required_bytes: 1 limit_bytes: 2 }"),
                 grpc::OUT_OF_RANGE},
        CodeCase{"MoreThanThereIs",
                 Request(std::string(kLvm) + "capacity_range { required_bytes: 8589934592 }"),
                 grpc::RESOURCE_EXHAUSTED},
        CodeCase{"ForAnotherNode",
                 Request(std::string(kLvm) +
                         "accessibility_requirements { requisite { segments { key: "
                         "'topology.pmem.csi.alibabacloud.com/node' value: 'n2' } } }"),
                 grpc::RESOURCE_EXHAUSTED},
        CodeCase{"ThereWithAnotherSize",
                 "name: 'disk-there' capacity_range { required_bytes: 2147483648 } " +
                     std::string(kWriter) + kLvm,
                 grpc::ALREADY_EXISTS}),
    [](const auto& row) { return row.param.name; });

constexpr char kClaim[] =
    "parameters { key: 'csi.storage.k8s.io/pvc/namespace' value: 'shop' } "
    "parameters { key: 'csi.storage.k8s.io/pvc/name' value: 'data' } ";

constexpr char kClaimPath[] = "/api/v1/namespaces/shop/persistentvolumeclaims/data";

// A node with both kinds; the class has no parameters.
struct ClassCase {
  const char* name;
  absl::StatusOr<std::string> claim;  // As the API server answers.
  grpc::StatusCode code;
  const char* kind;
};

class KindByClass : public ServicesTest, public testing::WithParamInterface<ClassCase> {};

TEST_P(KindByClass, IsReadFromTheClaim) {
  claim_ = GetParam().claim;
  CreateVolumeResponse response;
  EXPECT_EQ(CodeOfCreate(Request(kClaim), &response), GetParam().code);
  EXPECT_THAT(asked_, testing::Contains(kClaimPath));
  EXPECT_THAT(asked_, testing::Each(kClaimPath));
  const auto& context = response.volume().volume_context();
  const auto kind = context.find("pmemType");
  EXPECT_EQ(kind == context.end() ? "" : kind->second, GetParam().kind);
}

std::string ClaimOf(const char* uid, const char* class_name) {
  return std::string(R"({"metadata":{"uid":")") + uid +
         R"(","annotations":{"volume.kubernetes.io/selected-node":"n1"}},)" +
         R"("spec":{"storageClassName":")" + class_name + R"("}})";
}

INSTANTIATE_TEST_SUITE_P(
    Claims, KindByClass,
    testing::Values(
        ClassCase{"Lvm", ClaimOf("1", "pmem-lvm"), grpc::OK, "lvm"},
        ClassCase{"Direct", ClaimOf("1", "pmem-direct"), grpc::OK, "direct"},
        ClassCase{"AnotherName", ClaimOf("1", "fast"), grpc::INVALID_ARGUMENT, ""},
        ClassCase{"AnotherClaimOfThatName", ClaimOf("2", "pmem-lvm"), grpc::INVALID_ARGUMENT, ""},
        ClassCase{"Deleted", absl::NotFoundError("404"), grpc::INVALID_ARGUMENT, ""},
        ClassCase{"NoApiServer", absl::FailedPreconditionError("no --api-server"),
                  grpc::INVALID_ARGUMENT, ""},
        ClassCase{"ApiServerAway", absl::UnavailableError("503"), grpc::UNAVAILABLE, ""}),
    [](const auto& row) { return row.param.name; });

TEST_F(ServicesTest, AVolumeThatIsThereIsTakenUnlessItsClaimNamesAnotherKind) {
  ASSERT_TRUE(Make("disk-1", "direct", kGiB).ok());
  claim_ = absl::NotFoundError("404");
  EXPECT_EQ(CodeOfCreate(Request(kClaim)), grpc::OK);
  claim_ = ClaimOf("1", "pmem-lvm");
  EXPECT_EQ(CodeOfCreate(Request(kClaim)), grpc::ALREADY_EXISTS);
}

TEST_F(ServicesTest, TheParameterWinsOverTheClass) {
  claim_ = ClaimOf("1", "pmem-direct");
  CreateVolumeResponse response;
  EXPECT_EQ(CodeOfCreate(Request(std::string(kLvm) + kClaim), &response), grpc::OK);
  EXPECT_EQ(response.volume().volume_context().at("pmemType"), "lvm");
}

// The class says the kind: the claim is looked at right before the volume is made.
struct LookCase {
  const char* name;
  absl::StatusOr<std::string> claim;  // As the API server answers.
  grpc::StatusCode code;
};

class LookAtTheClaim : public ServicesTest, public testing::WithParamInterface<LookCase> {};

TEST_P(LookAtTheClaim, DecidesWhetherAVolumeIsMade) {
  claim_ = GetParam().claim;
  EXPECT_EQ(CodeOfCreate(Request(std::string(kLvm) + kClaim)), GetParam().code);
  const bool is_made = GetParam().code == grpc::OK;
  // Again once its room is taken.
  EXPECT_EQ(asked_, std::vector<std::string>(is_made ? 2 : 1, kClaimPath));
  EXPECT_EQ(volumes_.Find("disk-1").ok(), is_made);
}

INSTANTIATE_TEST_SUITE_P(
    Answers, LookAtTheClaim,
    testing::Values(
        LookCase{"PinnedHere", ClaimOf("1", "fast"), grpc::OK},
        LookCase{"NoApiServer", absl::FailedPreconditionError("no --api-server"), grpc::OK},
        LookCase{"Gone", absl::NotFoundError("404"), grpc::FAILED_PRECONDITION},
        LookCase{"AnotherClaimOfThatName", ClaimOf("2", "fast"), grpc::FAILED_PRECONDITION},
        LookCase{"PinnedNowhere", R"({"metadata":{"uid":"1"},"spec":{}})",
                 grpc::FAILED_PRECONDITION},
        LookCase{"ApiServerAway", absl::UnavailableError("503"), grpc::UNAVAILABLE},
        LookCase{"NoClaim", "{}", grpc::UNAVAILABLE}),
    [](const auto& row) { return row.param.name; });

// external-provisioner goes on from its own copy; the ledger gives the room to others meanwhile.
TEST_F(ServicesTest, AClaimThatIsDeletedWhileItWaitsForItsTurnGetsNoVolume) {
  claim_ = ClaimOf("1", "fast");
  std::promise<void> is_first;
  std::promise<void> may_end;
  std::thread other([&] {
    EXPECT_TRUE(volumes_
                    .Create({.name = "disk-2",
                             .kind = "lvm",
                             .check_wanted =
                                 [&, looks = 0]() mutable {
                                   if (++looks > 1) return absl::OkStatus();
                                   is_first.set_value();
                                   may_end.get_future().wait();
                                   return absl::OkStatus();
                                 }})
                    .ok());
  });
  EXPECT_EQ(is_first.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
  grpc::StatusCode code = grpc::OK;
  std::thread waiting([&] { code = CodeOfCreate(Request(std::string(kLvm) + kClaim)); });
  claim_ = absl::NotFoundError("404");
  may_end.set_value();
  waiting.join();
  other.join();
  EXPECT_EQ(code, grpc::FAILED_PRECONDITION);
  EXPECT_THAT(store_.calls,
              testing::ElementsAre(testing::StartsWith("Create pmemvgregion0/disk-2")));
}

// Its claim may be deleted: then its PersistentVolume is, and it with that.
TEST_F(ServicesTest, AVolumeThatIsThereIsAnsweredWhateverBecameOfItsClaim) {
  ASSERT_TRUE(Make("disk-1", "lvm", kGiB).ok());
  claim_ = absl::NotFoundError("404");
  EXPECT_EQ(CodeOfCreate(Request(std::string(kLvm) + kClaim)), grpc::OK);
  EXPECT_THAT(asked_, testing::IsEmpty());
}

// One that has LVM only: a claim of class pmem-direct must not get a LogicalVolume there.
TEST_F(ServicesTest, TheClassWinsOverTheOnlyKindOfTheNode) {
  store_.json = R"({"volume_groups":[{"name":"pmemvgregion0","size_bytes":8589934592}]})";
  claim_ = ClaimOf("1", "pmem-direct");
  EXPECT_EQ(CodeOfCreate(Request(kClaim)), grpc::RESOURCE_EXHAUSTED);
}

TEST_F(ServicesTest, WhatIsNoNameIsNotAskedFor) {
  EXPECT_EQ(CodeOfCreate(Request("parameters { key: 'csi.storage.k8s.io/pvc/namespace' value: "
                                 "'x/secrets' } parameters { key: 'csi.storage.k8s.io/pvc/name' "
                                 "value: '../y' }")),
            grpc::INVALID_ARGUMENT);
  EXPECT_THAT(asked_, testing::IsEmpty());
}

TEST_F(ServicesTest, NodeCallsRefuseWhatIsMissing) {
  const auto stage = [this](const std::string& text) {
    const auto request = Parse<::csi::v1::NodeStageVolumeRequest>(text);
    ::csi::v1::NodeStageVolumeResponse response;
    return node_.NodeStageVolume(nullptr, &request, &response).error_code();
  };
  EXPECT_EQ(stage(kWriterOnce), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(stage(std::string("volume_id: 'disk-1' ") + kWriterOnce), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(stage("volume_id: 'disk-1' staging_target_path: '/s'"), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(stage(std::string("volume_id: 'disk-1' staging_target_path: 's' ") + kWriterOnce),
            grpc::INVALID_ARGUMENT);
  EXPECT_EQ(stage(std::string("volume_id: 'disk-1' staging_target_path: '/s' ") + kWriterOnce),
            grpc::NOT_FOUND);
  ASSERT_TRUE(Make("disk-1", "lvm", kGiB).ok());
  EXPECT_EQ(stage(std::string("volume_id: 'disk-1' staging_target_path: '/s' ") + kWriterOnce),
            grpc::OK);
  const auto turn = volumes_.TakeTurn("disk-1");
  EXPECT_EQ(stage(std::string("volume_id: 'disk-1' staging_target_path: '/s' ") + kWriterOnce),
            grpc::ABORTED);
}

TEST_F(ServicesTest, ListVolumesGoesOnBehindAVolumeThatIsGone) {
  for (const char* const name : {"disk-1", "disk-2", "disk-3"}) {
    ASSERT_TRUE(Make(name, "lvm", kGiB).ok());
  }
  auto request = Parse<::csi::v1::ListVolumesRequest>("max_entries: 2");
  ::csi::v1::ListVolumesResponse page;
  ASSERT_TRUE(controller_.ListVolumes(nullptr, &request, &page).ok());
  ASSERT_EQ(page.entries_size(), 2);
  EXPECT_EQ(page.next_token(), "disk-2");
  ASSERT_TRUE(volumes_.Delete("disk-2").ok());
  request.set_starting_token(page.next_token());
  page.Clear();
  ASSERT_TRUE(controller_.ListVolumes(nullptr, &request, &page).ok());
  ASSERT_EQ(page.entries_size(), 1);
  EXPECT_EQ(page.entries(0).volume().volume_id(), "disk-3");
  EXPECT_EQ(page.next_token(), "");
  request.set_starting_token("x");
  EXPECT_EQ(controller_.ListVolumes(nullptr, &request, &page).error_code(), grpc::ABORTED);
}

TEST_F(ServicesTest, GetCapacityTellsTheLargestVolume) {
  auto request = Parse<::csi::v1::GetCapacityRequest>(kLvm);
  ::csi::v1::GetCapacityResponse response;
  ASSERT_TRUE(controller_.GetCapacity(nullptr, &request, &response).ok());
  EXPECT_EQ(response.ShortDebugString(),
            "available_capacity: 8585740288 maximum_volume_size { value: 8585740288 } "
            "minimum_volume_size { value: 4194304 }");
  request = Parse<::csi::v1::GetCapacityRequest>(
      "accessible_topology { segments { key: 'topology.pmem.csi.alibabacloud.com/node' "
      "value: 'n2' } }");
  response.Clear();
  ASSERT_TRUE(controller_.GetCapacity(nullptr, &request, &response).ok());
  EXPECT_EQ(response.available_capacity(), 0);
}

TEST_F(ServicesTest, HealthIsThatOfThePool) {
  ASSERT_TRUE(Make("disk-1", "direct", kGiB).ok());
  const auto request = Parse<::csi::v1::NodeGetVolumeHealthRequest>("volume_id: 'disk-1'");
  ::csi::v1::NodeGetVolumeHealthResponse response;
  ASSERT_TRUE(node_.NodeGetVolumeHealth(nullptr, &request, &response).ok());
  EXPECT_EQ(response.ShortDebugString(), "volume_health { volume_id: \"disk-1\" }");
  store_.json.replace(store_.json.find("\"label_slots\""), 0, "\"state\":\"unhealthy\",");
  response.Clear();
  ASSERT_TRUE(node_.NodeGetVolumeHealth(nullptr, &request, &response).ok());
  EXPECT_EQ(response.ShortDebugString(),
            "volume_health { volume_id: \"disk-1\" health_statuses { status: DEGRADED reason: "
            "\"PoolUnhealthy\" message: \"region1: simulated as unhealthy\" } }");
}

TEST_F(ServicesTest, HealthOfWhatADisabledRegionMayHideIsInaccessible) {
  const auto request = Parse<::csi::v1::NodeGetVolumeHealthRequest>("volume_id: 'disk-1'");
  ::csi::v1::NodeGetVolumeHealthResponse response;
  EXPECT_EQ(node_.NodeGetVolumeHealth(nullptr, &request, &response).error_code(), grpc::NOT_FOUND);
  store_.json.replace(store_.json.find("\"label_slots\""), 0, "\"state\":\"inactive\",");
  response.Clear();
  ASSERT_TRUE(node_.NodeGetVolumeHealth(nullptr, &request, &response).ok());
  EXPECT_EQ(response.ShortDebugString(),
            "volume_health { volume_id: \"disk-1\" health_statuses { status: INACCESSIBLE reason: "
            "\"PoolInactive\" message: \"region1: simulated as inactive: whether it holds disk-1 "
            "is not known\" } }");
}

TEST_F(ServicesTest, StatsAreThoseOfTheMountedFileSystem) {
  ASSERT_TRUE(Make("disk-1", "lvm", kGiB).ok());
  ASSERT_TRUE(staging_.Stage("disk-1", "/s", {}).ok());
  auto request =
      Parse<::csi::v1::NodeGetVolumeStatsRequest>("volume_id: 'disk-1' volume_path: '/s'");
  ::csi::v1::NodeGetVolumeStatsResponse response;
  store_.read_failure = absl::UnavailableError("nobody needs LVM for it");
  ASSERT_TRUE(node_.NodeGetVolumeStats(nullptr, &request, &response).ok());
  EXPECT_EQ(response.ShortDebugString(),
            "usage { available: 70 total: 100 used: 30 unit: BYTES } "
            "usage { available: 7 total: 10 used: 3 unit: INODES }");
  request.set_volume_path("/elsewhere");
  EXPECT_EQ(node_.NodeGetVolumeStats(nullptr, &request, &response).error_code(), grpc::NOT_FOUND);
}

TEST_F(ServicesTest, ProbeTellsWhetherTheDevicesCanBeRead) {
  const ::csi::v1::ProbeRequest request;
  ::csi::v1::ProbeResponse response;
  EXPECT_TRUE(identity_.Probe(nullptr, &request, &response).ok());
  EXPECT_TRUE(response.ready().value());
  store_.read_failure = absl::UnavailableError("lvm: exit status 5");
  EXPECT_EQ(identity_.Probe(nullptr, &request, &response).error_code(), grpc::FAILED_PRECONDITION);
}

TEST_F(ServicesTest, TheKubeletFindsTheDriverOnTheSameSocket) {
  RegistrationService registration;
  pluginregistration::PluginInfo info;
  const pluginregistration::InfoRequest request;
  ASSERT_TRUE(registration.GetInfo(nullptr, &request, &info).ok());
  EXPECT_EQ(info.ShortDebugString(),
            "type: \"CSIPlugin\" name: \"pmem.csi.alibabacloud.com\" supported_versions: "
            "\"1.0.0\"");
}

struct ExpandCase {
  const char* name;
  std::string request;
  absl::StatusOr<VolumeFacts> elsewhere;
  grpc::StatusCode code;
  const char* answer;  // Or the message of the refusal.
};

void PrintTo(const ExpandCase& c, std::ostream* out) { *out << c.request; }

class ControllerExpandVolume : public ServicesTest,
                               public testing::WithParamInterface<ExpandCase> {};

TEST_P(ControllerExpandVolume, AnswersByWhatIsKnownOfTheVolume) {
  ASSERT_TRUE(Make("disk-lvm", "lvm", kGiB).ok());
  ASSERT_TRUE(Make("disk-direct", "direct", kGiB).ok());
  elsewhere_ = GetParam().elsewhere;
  ::csi::v1::ControllerExpandVolumeResponse response;
  const grpc::Status status = Expand(GetParam().request, &response);
  EXPECT_EQ(status.error_code(), GetParam().code);
  EXPECT_EQ(status.ok() ? response.ShortDebugString() : status.error_message(), GetParam().answer);
  EXPECT_EQ(volumes_.Find("disk-lvm")->bytes, kGiB);
}

std::string Expansion(const std::string& id, int64_t bytes) {
  return "volume_id: '" + id + "' capacity_range { required_bytes: " + std::to_string(bytes) + " }";
}

INSTANTIATE_TEST_SUITE_P(
    Requests, ControllerExpandVolume,
    testing::Values(
        ExpandCase{"LvmHere", Expansion("disk-lvm", 2 * kGiB), VolumeFacts{}, grpc::OK,
                   "capacity_bytes: 2147483648 node_expansion_required: true"},
        // An earlier call may have ended before the file system grew.
        ExpandCase{"LvmHereOfThatSize", Expansion("disk-lvm", kGiB), VolumeFacts{}, grpc::OK,
                   "capacity_bytes: 1073741824 node_expansion_required: true"},
        ExpandCase{"DirectHere", Expansion("disk-direct", 2 * kGiB), VolumeFacts{},
                   grpc::OUT_OF_RANGE,
                   "volume disk-direct of 1073741824 bytes is of kind direct, its place in an "
                   "NVDIMM region is fixed: it cannot grow to 2147483648; make a larger claim and "
                   "copy the data"},
        ExpandCase{"DirectHereOfThatSize", Expansion("disk-direct", kGiB), VolumeFacts{}, grpc::OK,
                   "capacity_bytes: 1073741824"},
        ExpandCase{"LvmElsewhere", Expansion("disk-2", 2 * kGiB), VolumeFacts{PoolKind::kLvm, kGiB},
                   grpc::OK, "capacity_bytes: 2147483648 node_expansion_required: true"},
        ExpandCase{"DirectElsewhere", Expansion("disk-2", kGiB + 1),
                   VolumeFacts{PoolKind::kDirect, kGiB}, grpc::OUT_OF_RANGE,
                   "volume disk-2 of 1073741824 bytes is of kind direct, its place in an NVDIMM "
                   "region is fixed: it cannot grow to 1073741825; make a larger claim and copy "
                   "the data"},
        ExpandCase{"NobodyKnows", Expansion("disk-2", 2 * kGiB), VolumeFacts{}, grpc::OK,
                   "capacity_bytes: 2147483648 node_expansion_required: true"},
        ExpandCase{"NobodyToAsk", Expansion("disk-2", 2 * kGiB),
                   absl::FailedPreconditionError("no API server"), grpc::NOT_FOUND,
                   "no volume disk-2 on this node"},
        ExpandCase{"TheApiServerIsAway", Expansion("disk-2", 2 * kGiB),
                   absl::UnavailableError("away"), grpc::UNAVAILABLE, "away"},
        ExpandCase{"NoRange", "volume_id: 'disk-lvm'", VolumeFacts{}, grpc::INVALID_ARGUMENT,
                   "capacity_range is missing"},
        ExpandCase{"PastTheLimit",
                   "volume_id: 'disk-lvm' capacity_range { required_bytes: 9 limit_bytes: 8 }",
                   VolumeFacts{}, grpc::OUT_OF_RANGE, "required_bytes 9 is above limit_bytes 8"},
        ExpandCase{"NoId", "capacity_range { required_bytes: 1 }", VolumeFacts{},
                   grpc::INVALID_ARGUMENT, "volume_id is missing"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace pmem::driver
