// SPDX-License-Identifier: Apache-2.0
#include "extender/core/kube_decode.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/pure/units.h"

namespace pmem::extender {
namespace {

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST(KubeDecode, NodeIsReadWhole) {
  const absl::StatusOr<Node> node = DecodeObject<Node>(R"({
    "kind":"Node","apiVersion":"v1",
    "metadata":{"name":"n1","uid":"u1","resourceVersion":"7",
      "labels":{"kubernetes.io/hostname":"n1","pmem.csi.alibabacloud.com/type":"lvm"},
      "managedFields":[{"manager":"kubelet","fieldsV1":{"f:metadata":{}}}]},
    "spec":{"unschedulable":true,"taints":[{"key":"k","value":"v","effect":"NoSchedule"}]},
    "status":{"allocatable":{"cpu":"3920m","memory":"16Gi","pods":"110"},
      "images":[{"names":["a"],"sizeBytes":1}]}})");
  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_EQ(
      *node,
      (Node{.meta = {.key = {.name = "n1"}, .uid = "u1", .resource_version = "7"},
            .labels = {{"kubernetes.io/hostname", "n1"}, {"pmem.csi.alibabacloud.com/type", "lvm"}},
            .taints = {{.key = "k", .value = "v", .effect = "NoSchedule"}},
            .is_unschedulable = true,
            .allocatable_cpu_milli = 3920,
            .allocatable_memory_bytes = 16 * kGiB}));
}

TEST(KubeDecode, PodIsReadWhole) {
  const absl::StatusOr<Pod> pod = DecodeObject<Pod>(R"({
    "metadata":{"name":"db-0","namespace":"x","uid":"p1","resourceVersion":"9",
      "deletionTimestamp":"2026-01-02T03:04:05Z",
      "ownerReferences":[{"kind":"StatefulSet","name":"db","uid":"s1","controller":true}]},
    "spec":{"schedulerName":"default-scheduler","nodeName":"n1",
      "volumes":[
        {"name":"data","persistentVolumeClaim":{"claimName":"data-db-0"}},
        {"name":"tmp","emptyDir":{}},
        {"name":"scratch","ephemeral":{"volumeClaimTemplate":{"spec":{}}}}],
      "nodeSelector":{"disk":"pmem"},
      "affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{
        "nodeSelectorTerms":[{"matchExpressions":[{"key":"zone","operator":"In","values":["a"]}],
                              "matchFields":[{"key":"metadata.name","operator":"In",
                                              "values":["n1"]}]}]}}},
      "tolerations":[{"key":"k","operator":"Equal","value":"v","effect":"NoSchedule"},
                     {"operator":"Exists"}],
      "containers":[{"resources":{"requests":{"cpu":"1","memory":"1Gi"}}}]},
    "status":{"phase":"Pending","nominatedNodeName":"n2"}})");
  ASSERT_TRUE(pod.ok()) << pod.status();
  EXPECT_EQ(
      *pod,
      (Pod{.meta = {.key = {.kube_namespace = "x", .name = "db-0"},
                    .uid = "p1",
                    .resource_version = "9",
                    .is_deleting = true},
           .scheduler_name = "default-scheduler",
           .node_name = "n1",
           .nominated_node_name = "n2",
           .phase = "Pending",
           .volumes = {{.name = "data", .claim_name = "data-db-0"},
                       {.name = "scratch", .claim_name = "db-0-scratch", .is_ephemeral = true}},
           .node_selector = {{"disk", "pmem"}},
           .required_node_affinity = {{{.labels = {{"zone", "In", {"a"}}},
                                        .fields = {{"metadata.name", "In", {"n1"}}}}}},
           .tolerations = {{"k", "Equal", "v", "NoSchedule"}, {"", "Exists", "", ""}},
           .owners = {{.kind = "StatefulSet", .name = "db", .uid = "s1", .controller = true}},
           .requested_cpu_milli = 1000,
           .requested_memory_bytes = kGiB}));
}

struct RequestsCase {
  const char* name;
  const char* spec;
  int64_t cpu_milli;
  int64_t memory_bytes;
};

void PrintTo(const RequestsCase& c, std::ostream* os) { *os << c.spec; }

class PodRequests : public ::testing::TestWithParam<RequestsCase> {};

TEST_P(PodRequests, AreCountedAsTheSchedulerCounts) {
  const absl::StatusOr<Pod> pod =
      DecodeObject<Pod>(absl::StrCat(R"({"metadata":{"name":"p"},"spec":)", GetParam().spec, "}"));
  ASSERT_TRUE(pod.ok()) << pod.status();
  EXPECT_EQ(pod->requested_cpu_milli, GetParam().cpu_milli);
  EXPECT_EQ(pod->requested_memory_bytes, GetParam().memory_bytes);
}

#define REQ(cpu, memory) R"("resources":{"requests":{"cpu":")" cpu R"(","memory":")" memory R"("}})"

INSTANTIATE_TEST_SUITE_P(
    Specs, PodRequests,
    ::testing::Values(
        RequestsCase{"None", R"({"containers":[{}]})", 0, 0},
        RequestsCase{"SumOfContainers",
                     R"({"containers":[{)" REQ("1", "1Mi") "},{" REQ("250m", "1Mi") "}]}", 1250,
                     2 * kMiB},
        RequestsCase{"LargerInitContainerWins",
                     R"({"initContainers":[{)" REQ("2", "1Mi") "},{" REQ(
                         "1", "3Mi") R"(}],"containers":[{)" REQ("1", "1Mi") "}]}",
                     2000, 3 * kMiB},
        RequestsCase{"SidecarRunsBesideContainersAndLaterInit",
                     R"({"initContainers":[{"restartPolicy":"Always",)" REQ("1", "1Mi") "},{" REQ(
                         "3", "1Mi") R"(}],"containers":[{)" REQ("1", "4Mi") "}]}",
                     4000, 5 * kMiB},
        RequestsCase{
            "OverheadIsAdded",
            R"({"overhead":{"cpu":"100m","memory":"1Mi"},"containers":[{)" REQ("1", "1Mi") "}]}",
            1100, 2 * kMiB},
        RequestsCase{
            "PodLevelRequestsStandIn",
            R"({"resources":{"requests":{"cpu":"5"}},"containers":[{)" REQ("1", "1Mi") "}]}", 5000,
            kMiB}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(KubeDecode, ClaimIsReadWhole) {
  const absl::StatusOr<Claim> claim = DecodeObject<Claim>(R"({
    "metadata":{"name":"data","namespace":"x","uid":"c1","resourceVersion":"3","annotations":{
      "volume.kubernetes.io/selected-node":"n1",
      "volume.beta.kubernetes.io/storage-provisioner":"pmem.csi.alibabacloud.com"}},
    "spec":{"storageClassName":"pmem-lvm","volumeName":"disk-c1","accessModes":["ReadWriteOnce"],
      "volumeMode":"Block","selector":{"matchLabels":{}},
      "resources":{"requests":{"storage":"10Gi"}}},
    "status":{"phase":"Bound","capacity":{"storage":10737418240},
      "allocatedResources":{"storage":"12Gi"}}})");
  ASSERT_TRUE(claim.ok()) << claim.status();
  EXPECT_EQ(*claim, (Claim{.meta = {.key = {.kube_namespace = "x", .name = "data"},
                                    .uid = "c1",
                                    .resource_version = "3"},
                           .storage_class_name = "pmem-lvm",
                           .requested_bytes = 10 * kGiB,
                           .capacity_bytes = 10 * kGiB,
                           .allocated_bytes = 12 * kGiB,
                           .volume_name = "disk-c1",
                           .selected_node = "n1",
                           .storage_provisioner = "pmem.csi.alibabacloud.com",
                           .access_modes = {"ReadWriteOnce"},
                           .is_block = true,
                           .has_selector = true,
                           .has_annotations = true}));
}

TEST(KubeDecode, AnEmptySelectedNodeIsNoPinAndIsThere) {
  const auto claim = [](const std::string& annotations) {
    return *DecodeObject<Claim>(R"({"metadata":{"name":"c","annotations":{)" + annotations + "}}}");
  };
  const Claim empty = claim(R"("volume.kubernetes.io/selected-node":"")");
  EXPECT_EQ(empty.selected_node, "");
  EXPECT_TRUE(empty.has_empty_selected_node);
  EXPECT_FALSE(claim("").has_empty_selected_node);
  EXPECT_FALSE(claim(R"("volume.kubernetes.io/selected-node":"n1")").has_empty_selected_node);
}

// As kube-apiserver 1.36.3 writes them.
constexpr const char* kPinnedClaim =
    R"({"metadata":{"name":"c","labels":{"app":"db"},"annotations":{%s},"managedFields":[
      {"manager":"kube-controller-manager","operation":"Update","apiVersion":"v1",
       "fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:annotations":{".":{}}}}},
      {"manager":"%s","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1",
       "fieldsV1":{"f:metadata":{"f:annotations":{"f:volume.kubernetes.io/selected-node":{}}}}}]}})";

TEST(KubeDecode, ThePinOfASchedulerIsToldFromThatOfAPerson) {
  const std::string pin = R"("volume.kubernetes.io/selected-node":"n1")";
  const auto claim = [](const std::string& annotations, const std::string& manager) {
    char text[2048];
    std::snprintf(text, sizeof(text), kPinnedClaim, annotations.c_str(), manager.c_str());
    return *DecodeObject<Claim>(text);
  };
  EXPECT_TRUE(claim(pin, "kube-scheduler").is_pinned_by_scheduler);
  EXPECT_TRUE(claim(pin, "second-scheduler").is_pinned_by_scheduler);
  EXPECT_FALSE(claim(pin, "kubectl-annotate").is_pinned_by_scheduler);
  EXPECT_FALSE(claim("", "kube-scheduler").is_pinned_by_scheduler);
  EXPECT_EQ(claim(pin, "kubectl").labels, (std::map<std::string, std::string>{{"app", "db"}}));
}

// external-provisioner takes selected-node away and leaves our mark.
TEST(KubeDecode, APinIsOursOnlyWhereTheMarkIsForItsNode) {
  const auto is_ours = [](const std::string& mark, const std::string& node) {
    return DecodeObject<Claim>(R"({"metadata":{"name":"c","annotations":{)"
                               R"("pmem.csi.alibabacloud.com/pinned-by":")" +
                               mark + R"(","volume.kubernetes.io/selected-node":")" + node +
                               R"("}}})")
        ->is_pinned_by_us;
  };
  EXPECT_TRUE(is_ours("pmem-extender/n1", "n1"));
  EXPECT_FALSE(is_ours("pmem-extender/n1", "n2"));
  EXPECT_FALSE(is_ours("pmem-extender/n1", "n11"));
  EXPECT_FALSE(is_ours("pmem-extender/n1", ""));
  EXPECT_FALSE(is_ours("somebody/n1", "n1"));
  EXPECT_FALSE(is_ours("", "n1"));
}

TEST(KubeDecode, AMarkOfAnEarlierVersionIsForWhateverNode) {
  EXPECT_TRUE(DecodeObject<Claim>(R"({"metadata":{"name":"c","annotations":{
      "pmem.csi.alibabacloud.com/pinned-by":"pmem-extender",
      "volume.kubernetes.io/selected-node":"n1"}}})")
                  ->is_pinned_by_us);
}

struct SourceCase {
  const char* name;
  const char* spec;
  DataSource source;
};

void PrintTo(const SourceCase& c, std::ostream* os) { *os << c.spec; }

class ClaimSource : public ::testing::TestWithParam<SourceCase> {};

TEST_P(ClaimSource, SaysWhoWouldHaveToFillIt) {
  const absl::StatusOr<Claim> claim = DecodeObject<Claim>(
      absl::StrCat(R"({"metadata":{"name":"c"},"spec":)", GetParam().spec, "}"));
  ASSERT_TRUE(claim.ok()) << claim.status();
  EXPECT_EQ(claim->data_source, GetParam().source);
}

// The API server writes both members, except for one of another kube namespace.
INSTANTIATE_TEST_SUITE_P(
    Sources, ClaimSource,
    ::testing::Values(
        SourceCase{"None", R"({})", DataSource::kNone},
        SourceCase{"Null", R"({"dataSource":null,"dataSourceRef":null})", DataSource::kNone},
        SourceCase{"Claim",
                   R"({"dataSource":{"kind":"PersistentVolumeClaim","name":"a"},
                       "dataSourceRef":{"kind":"PersistentVolumeClaim","name":"a"}})",
                   DataSource::kVolume},
        SourceCase{"Snapshot",
                   R"({"dataSource":{"apiGroup":"snapshot.storage.k8s.io","kind":"VolumeSnapshot",
                                     "name":"a"}})",
                   DataSource::kVolume},
        SourceCase{"SnapshotElsewhere",
                   R"({"dataSourceRef":{"apiGroup":"snapshot.storage.k8s.io",
                                        "kind":"VolumeSnapshot","name":"a","namespace":"y"}})",
                   DataSource::kVolume},
        SourceCase{"ASnapshotOfSomebodyElses",
                   R"({"dataSourceRef":{"apiGroup":"x.example.com","kind":"VolumeSnapshot",
                                        "name":"a"}})",
                   DataSource::kPopulator},
        SourceCase{"Populator",
                   R"({"dataSourceRef":{"apiGroup":"x.example.com","kind":"Image","name":"a"}})",
                   DataSource::kPopulator}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(KubeDecode, TheVolumeAttributesClassIsRead) {
  const std::string object =
      R"({"metadata":{"name":"c"},"spec":{"volumeAttributesClassName":"fast"}})";
  EXPECT_EQ(DecodeObject<Claim>(object)->volume_attributes_class, "fast");
  EXPECT_EQ(DecodeObject<PersistentVolume>(object)->volume_attributes_class, "fast");
}

TEST(KubeDecode, AClaimWithoutAnythingIsThere) {
  const absl::StatusOr<Claim> claim = DecodeObject<Claim>(R"({"metadata":{"name":"c"}})");
  ASSERT_TRUE(claim.ok()) << claim.status();
  EXPECT_EQ(*claim, (Claim{.meta = {.key = {.name = "c"}}}));
}

TEST(KubeDecode, AnEmptyClassNameIsNotAnAbsentOne) {
  EXPECT_EQ(DecodeObject<Claim>(R"({"metadata":{"name":"c"},"spec":{"storageClassName":""}})")
                ->storage_class_name,
            "");
}

TEST(KubeDecode, TheOldAnnotationNamesTheClassAsForTheApiServer) {
  const std::string both =
      R"({"metadata":{"name":"x","annotations":{"volume.beta.kubernetes.io/storage-class":"old"}},
          "spec":{"storageClassName":"new"}})";
  EXPECT_EQ(DecodeObject<Claim>(both)->storage_class_name, "old");
  EXPECT_EQ(DecodeObject<PersistentVolume>(both)->storage_class_name, "old");
}

TEST(KubeDecode, AnAmountBeyondAllIsTheLargestNotUnknown) {
  EXPECT_EQ(
      DecodeObject<Claim>(
          R"({"metadata":{"name":"c"},"spec":{"resources":{"requests":{"storage":"9999Ei"}}}})")
          ->requested_bytes,
      kBytesMax);
}

TEST(KubeDecode, PersistentVolumeIsReadWhole) {
  const absl::StatusOr<PersistentVolume> volume = DecodeObject<PersistentVolume>(R"({
    "metadata":{"name":"disk-c1","uid":"v1"},
    "spec":{"capacity":{"storage":"9Gi"},"accessModes":["ReadWriteOnce"],
      "csi":{"driver":"pmem.csi.alibabacloud.com","volumeHandle":"disk-c1"},
      "claimRef":{"kind":"PersistentVolumeClaim","namespace":"x","name":"data","uid":"c1"},
      "storageClassName":"pmem-direct","volumeMode":"Filesystem",
      "nodeAffinity":{"required":{"nodeSelectorTerms":[
        {"matchExpressions":[{"key":"kubernetes.io/hostname","operator":"In","values":["n1"]}]}]}}},
    "status":{"phase":"Bound"}})");
  ASSERT_TRUE(volume.ok()) << volume.status();
  EXPECT_EQ(*volume, (PersistentVolume{.meta = {.key = {.name = "disk-c1"}, .uid = "v1"},
                                       .is_ours = true,
                                       .csi_volume_handle = "disk-c1",
                                       .storage_class_name = "pmem-direct",
                                       .capacity_bytes = 9 * kGiB,
                                       .access_modes = {"ReadWriteOnce"},
                                       .is_taken = true,
                                       .claim = {.kube_namespace = "x", .name = "data"},
                                       .claim_uid = "c1",
                                       .affinity_node = "n1"}));
}

struct AffinityCase {
  const char* terms;
  const char* node;
};

// The one node of an affinity, or "" for none and several.
constexpr AffinityCase kAffinities[] = {
    {R"({"matchExpressions":[{"key":"kubernetes.io/hostname","operator":"In","values":["n1"]}]})",
     "n1"},
    {R"({"matchFields":[{"key":"metadata.name","operator":"In","values":["n1"]}]})", "n1"},
    {R"({"matchExpressions":[{"key":"topology.pmem.csi.alibabacloud.com/node","operator":"In",
         "values":["n1"]},{"key":"zone","operator":"Exists"}]})",
     "n1"},
    {R"({"matchExpressions":[{"key":"kubernetes.io/hostname","operator":"In",
         "values":["n1","n2"]}]})",
     ""},
    {R"({"matchExpressions":[{"key":"kubernetes.io/hostname","operator":"NotIn","values":["n1"]}]})",
     ""},
    {R"({"matchExpressions":[{"key":"kubernetes.io/hostname","operator":"In","values":["n1"]}]},
        {"matchExpressions":[{"key":"kubernetes.io/hostname","operator":"In","values":["n2"]}]})",
     ""},
    {R"({"matchExpressions":[{"key":"zone","operator":"In","values":["z"]}]})", ""},
};

TEST(KubeDecode, AnAffinityNamesOneNodeOrNone) {
  for (const AffinityCase& one : kAffinities) {
    SCOPED_TRACE(one.terms);
    const auto volume = DecodeObject<PersistentVolume>(
        std::string(R"({"metadata":{"name":"v"},"spec":{"nodeAffinity":{"required":{)") +
        R"("nodeSelectorTerms":[)" + one.terms + "]}}}}");
    ASSERT_TRUE(volume.ok()) << volume.status();
    EXPECT_EQ(volume->affinity_node, one.node);
  }
  EXPECT_EQ(DecodeObject<PersistentVolume>(R"({"metadata":{"name":"v"}})")->affinity_node,
            std::nullopt);
}

TEST(KubeDecode, AVolumeIsPendingOrTakenUnlessItsPhaseIsAvailable) {
  struct Case {
    const char* phase;
    bool is_pending;
    bool is_taken;
  };
  for (const auto& [phase, is_pending, is_taken] : {Case{"", true, false},
                                                    {"Pending", true, false},
                                                    {"Available", false, false},
                                                    {"Bound", false, true},
                                                    {"Released", false, true},
                                                    {"Failed", false, true}}) {
    const auto volume = DecodeObject<PersistentVolume>(
        std::string(R"({"metadata":{"name":"v"},"status":{"phase":")") + phase + R"("}})");
    EXPECT_EQ(volume->is_pending, is_pending) << phase;
    EXPECT_EQ(volume->is_taken, is_taken) << phase;
  }
}

TEST(AccessModes, AreASetAndUnknownOnesAreNobodys) {
  const AccessModes both = {"ReadWriteOnce", "ReadOnlyMany"};
  EXPECT_TRUE(both.HasAll({}));
  EXPECT_TRUE(both.HasAll({"ReadOnlyMany"}));
  EXPECT_FALSE(both.HasAll({"ReadWriteMany"}));
  EXPECT_FALSE((AccessModes{"Odd"}).HasAll({"Odd"}));
  EXPECT_EQ(both, (AccessModes{"ReadOnlyMany", "ReadWriteOnce", "ReadOnlyMany"}));
}

TEST(KubeDecode, AgentPodIsReadWhole) {
  const absl::StatusOr<AgentPod> pod = DecodeObject<AgentPod>(R"({
    "metadata":{"name":"agent-x","namespace":"pmem"},
    "spec":{"nodeName":"n1","containers":[{"ports":[{"name":"other","containerPort":1}]},
                                          {"ports":[{"name":"http","containerPort":9090}]}]},
    "status":{"phase":"Running","podIP":"10.0.0.7"}})");
  ASSERT_TRUE(pod.ok()) << pod.status();
  EXPECT_EQ(*pod, (AgentPod{.meta = {.key = {.kube_namespace = "pmem", .name = "agent-x"}},
                            .node_name = "n1",
                            .pod_ip = "10.0.0.7",
                            .phase = "Running",
                            .http_port = 9090}));
}

struct WrongCase {
  const char* name;
  absl::Status (*decode)(std::string_view json);
  const char* json;
  const char* path;  // In the message.
};

void PrintTo(const WrongCase& c, std::ostream* os) { *os << c.json; }

class WrongType : public ::testing::TestWithParam<WrongCase> {};

TEST_P(WrongType, IsRefusedWithItsPath) {
  const absl::Status status = GetParam().decode(GetParam().json);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StrContains(Message(status), GetParam().path)) << status;
}

template <class T>
absl::Status StatusOf(std::string_view json) {
  return DecodeObject<T>(json).status();
}

INSTANTIATE_TEST_SUITE_P(
    Objects, WrongType,
    ::testing::Values(
        WrongCase{"NotJson", StatusOf<Node>, "{", ""},
        WrongCase{"NotAnObject", StatusOf<Node>, "[]", ""},
        WrongCase{"NoMetadata", StatusOf<Node>, "{}", "metadata"},
        WrongCase{"NoName", StatusOf<Node>, R"({"metadata":{}})", "metadata.name"},
        WrongCase{"NameIsANumber", StatusOf<Node>, R"({"metadata":{"name":7}})", "metadata.name"},
        WrongCase{"LabelIsANumber", StatusOf<Node>, R"({"metadata":{"name":"n","labels":{"a":1}}})",
                  "metadata.labels.a"},
        WrongCase{"SpecIsAList", StatusOf<Node>, R"({"metadata":{"name":"n"},"spec":[]})", "spec"},
        WrongCase{"CpuIsAWord", StatusOf<Node>,
                  R"({"metadata":{"name":"n"},"status":{"allocatable":{"cpu":"many"}}})",
                  "status.allocatable.cpu"},
        WrongCase{"StorageIsNegative", StatusOf<Claim>,
                  R"({"metadata":{"name":"c"},"spec":{"resources":{"requests":{"storage":"-1"}}}})",
                  "spec.resources.requests.storage"},
        WrongCase{"StorageIsAFraction", StatusOf<Claim>,
                  R"({"metadata":{"name":"c"},"spec":{"resources":{"requests":{"storage":1.5}}}})",
                  "spec.resources.requests.storage"},
        WrongCase{"VolumesIsAnObject", StatusOf<Pod>,
                  R"({"metadata":{"name":"p"},"spec":{"volumes":{}}})", "spec.volumes"},
        WrongCase{"VolumeIsAText", StatusOf<Pod>,
                  R"({"metadata":{"name":"p"},"spec":{"volumes":["v"]}})", "spec.volumes[0]"},
        WrongCase{"PortOutOfRange", StatusOf<AgentPod>,
                  R"({"metadata":{"name":"p"},"spec":{"containers":[{"ports":[)"
                  R"({"name":"http","containerPort":65536}]}]}})",
                  "spec.containers[0].ports[0].containerPort"},
        WrongCase{"ParameterIsABool", StatusOf<StorageClass>,
                  R"({"metadata":{"name":"s"},"parameters":{"pmemType":true}})",
                  "parameters.pmemType"},
        WrongCase{"TopologyValueIsANumber", StatusOf<StorageClass>,
                  R"({"metadata":{"name":"s"},"allowedTopologies":[{"matchLabelExpressions":[)"
                  R"({"key":"topology.pmem.csi.alibabacloud.com/node","values":[1]}]}]})",
                  "allowedTopologies[0].matchLabelExpressions[0].values[0]"}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace pmem::extender
