// SPDX-License-Identifier: Apache-2.0
// The rows follow k8s.io/component-helpers nodeaffinity and k8s.io/api core/v1 toleration.
#include "extender/core/node_match.h"

#include <gtest/gtest.h>

#include <ostream>

namespace pmem::extender {
namespace {

using Terms = std::vector<NodeSelectorTerm>;

// Labels zone=z1, cores=8, empty="".
Node MakeNode() {
  Node node;
  node.meta.key.name = "n1";
  node.labels = {{"zone", "z1"}, {"cores", "8"}, {"empty", ""}};
  return node;
}

NodeSelectorTerm Labels(std::vector<SelectorRequirement> labels) {
  return {.labels = std::move(labels), .fields = {}};
}
NodeSelectorTerm Fields(std::vector<SelectorRequirement> fields) {
  return {.labels = {}, .fields = std::move(fields)};
}

struct TermCase {
  const char* name;
  Terms terms;
  bool matches;
};
void PrintTo(const TermCase& c, std::ostream* os) { *os << c.name; }

class SelectorTerms : public testing::TestWithParam<TermCase> {};

TEST_P(SelectorTerms, MatchAsInKubernetes) {
  EXPECT_EQ(MatchesAnyTerm(GetParam().terms, MakeNode()), GetParam().matches);
}

constexpr auto kCaseName = [](const auto& row) { return std::string(row.param.name); };

INSTANTIATE_TEST_SUITE_P(
    Operators, SelectorTerms,
    testing::Values(
        TermCase{"In", {Labels({{"zone", "In", {"z0", "z1"}}})}, true},
        TermCase{"In_OtherValue", {Labels({{"zone", "In", {"z2"}}})}, false},
        TermCase{"In_NoLabel", {Labels({{"rack", "In", {"r1"}}})}, false},
        TermCase{"In_NoValues", {Labels({{"zone", "In", {}}})}, false},
        TermCase{"In_EmptyValue", {Labels({{"empty", "In", {""}}})}, true},
        TermCase{"NotIn", {Labels({{"zone", "NotIn", {"z2"}}})}, true},
        TermCase{"NotIn_SameValue", {Labels({{"zone", "NotIn", {"z1", "z2"}}})}, false},
        TermCase{"NotIn_NoLabel", {Labels({{"rack", "NotIn", {"r1"}}})}, true},
        TermCase{"NotIn_NoValues", {Labels({{"zone", "NotIn", {}}})}, false},
        TermCase{"Exists", {Labels({{"empty", "Exists", {}}})}, true},
        TermCase{"Exists_NoLabel", {Labels({{"rack", "Exists", {}}})}, false},
        TermCase{"Exists_WithValues", {Labels({{"zone", "Exists", {"z1"}}})}, false},
        TermCase{"DoesNotExist", {Labels({{"rack", "DoesNotExist", {}}})}, true},
        TermCase{"DoesNotExist_Label", {Labels({{"zone", "DoesNotExist", {}}})}, false},
        TermCase{"DoesNotExist_WithValues", {Labels({{"rack", "DoesNotExist", {"r"}}})}, false},
        TermCase{"Gt", {Labels({{"cores", "Gt", {"7"}}})}, true},
        TermCase{"Gt_Equal", {Labels({{"cores", "Gt", {"8"}}})}, false},
        TermCase{"Gt_Negative", {Labels({{"cores", "Gt", {"-1"}}})}, true},
        TermCase{"Gt_Plus", {Labels({{"cores", "Gt", {"+7"}}})}, true},
        TermCase{"Gt_PlusMinus", {Labels({{"cores", "Gt", {"+-7"}}})}, false},
        TermCase{"Gt_Text", {Labels({{"cores", "Gt", {"seven"}}})}, false},
        TermCase{"Gt_LabelIsText", {Labels({{"zone", "Gt", {"7"}}})}, false},
        TermCase{"Gt_NoLabel", {Labels({{"rack", "Gt", {"7"}}})}, false},
        TermCase{"Gt_TwoValues", {Labels({{"cores", "Gt", {"1", "2"}}})}, false},
        TermCase{"Gt_TooLarge", {Labels({{"cores", "Gt", {"-9223372036854775809"}}})}, false},
        TermCase{"Lt", {Labels({{"cores", "Lt", {"9"}}})}, true},
        TermCase{"Lt_Equal", {Labels({{"cores", "Lt", {"8"}}})}, false},
        TermCase{"UnknownOperator", {Labels({{"zone", "Equals", {"z1"}}})}, false}),
    kCaseName);

INSTANTIATE_TEST_SUITE_P(
    Fields, SelectorTerms,
    testing::Values(TermCase{"In", {Fields({{"metadata.name", "In", {"n1"}}})}, true},
                    TermCase{"In_Other", {Fields({{"metadata.name", "In", {"n2"}}})}, false},
                    TermCase{
                        "In_TwoValues", {Fields({{"metadata.name", "In", {"n1", "n2"}}})}, false},
                    TermCase{"NotIn", {Fields({{"metadata.name", "NotIn", {"n2"}}})}, true},
                    TermCase{"NotIn_Same", {Fields({{"metadata.name", "NotIn", {"n1"}}})}, false},
                    TermCase{"Exists", {Fields({{"metadata.name", "Exists", {}}})}, false},
                    TermCase{"OtherField_In", {Fields({{"spec.x", "In", {"n1"}}})}, false},
                    TermCase{"OtherField_NotIn", {Fields({{"spec.x", "NotIn", {"n1"}}})}, true}),
    kCaseName);

INSTANTIATE_TEST_SUITE_P(
    Combinations, SelectorTerms,
    testing::Values(
        TermCase{"NoTerms", {}, false}, TermCase{"EmptyTerm", {NodeSelectorTerm()}, false},
        TermCase{
            "EmptyTermBesideAMatch", {NodeSelectorTerm(), Labels({{"zone", "In", {"z1"}}})}, true},
        TermCase{"RequirementsAreAnded",
                 {Labels({{"zone", "In", {"z1"}}, {"cores", "Gt", {"9"}}})},
                 false},
        TermCase{"TermsAreOred",
                 {Labels({{"zone", "In", {"z2"}}}), Labels({{"cores", "Gt", {"7"}}})},
                 true},
        TermCase{
            "LabelsAndFieldsAreAnded",
            {{.labels = {{"zone", "In", {"z1"}}}, .fields = {{"metadata.name", "In", {"n2"}}}}},
            false},
        TermCase{"ABadTermDoesNotSpoilAGoodOne",
                 {Labels({{"zone", "Nope", {}}}), Labels({{"zone", "Exists", {}}})},
                 true},
        TermCase{"ABadRequirementSpoilsItsTerm",
                 {Labels({{"zone", "Exists", {}}, {"cores", "Gt", {"x"}}})},
                 false}),
    kCaseName);

struct TaintCase {
  const char* name;
  Toleration toleration;
  bool tolerates;
};
void PrintTo(const TaintCase& c, std::ostream* os) { *os << c.name; }

class TolerationOfDedicatedDb : public testing::TestWithParam<TaintCase> {};

TEST_P(TolerationOfDedicatedDb, IsAsInKubernetes) {
  const Taint taint{.key = "dedicated", .value = "db", .effect = "NoSchedule"};
  EXPECT_EQ(Tolerates({GetParam().toleration}, taint), GetParam().tolerates);
}

INSTANTIATE_TEST_SUITE_P(
    Tolerations, TolerationOfDedicatedDb,
    testing::Values(TaintCase{"Equal", {"dedicated", "Equal", "db", "NoSchedule"}, true},
                    TaintCase{"NoOperatorIsEqual", {"dedicated", "", "db", "NoSchedule"}, true},
                    TaintCase{"AnyEffect", {"dedicated", "Equal", "db", ""}, true},
                    TaintCase{"OtherValue", {"dedicated", "Equal", "web", ""}, false},
                    TaintCase{"OtherEffect", {"dedicated", "Equal", "db", "NoExecute"}, false},
                    TaintCase{"OtherKey", {"other", "Exists", "", ""}, false},
                    TaintCase{"Exists", {"dedicated", "Exists", "", "NoSchedule"}, true},
                    TaintCase{"ExistsOtherEffect", {"dedicated", "Exists", "", "NoExecute"}, false},
                    TaintCase{"EmptyKeyExists", {"", "Exists", "", ""}, true},
                    TaintCase{"EmptyKeyExistsOfEffect", {"", "Exists", "", "NoSchedule"}, true},
                    TaintCase{"EmptyKeyOtherValue", {"", "Equal", "web", ""}, false},
                    TaintCase{"UnknownOperator", {"dedicated", "Gt", "1", ""}, false}),
    kCaseName);

struct NodeCase {
  const char* name;
  void (*change)(Pod& pod, Node& node);
  std::optional<NodeMismatch> expected;
};
void PrintTo(const NodeCase& c, std::ostream* os) { *os << c.name; }

class PodOnNode : public testing::TestWithParam<NodeCase> {};

// A pod of 1 cpu and 1000 bytes; a node of 4 cpu and 4000 bytes with 3 cpu and 3000 bytes in use.
TEST_P(PodOnNode, IsJudgedAsKubeSchedulerWould) {
  Pod pod;
  pod.requested_cpu_milli = 1000;
  pod.requested_memory_bytes = 1000;
  Node node = MakeNode();
  node.allocatable_cpu_milli = 4000;
  node.allocatable_memory_bytes = 4000;
  GetParam().change(pod, node);
  EXPECT_EQ(MatchNode(pod, node, {.cpu_milli = 3000, .memory_bytes = 3000}), GetParam().expected);
}

constexpr auto kUnschedulableKey = "node.kubernetes.io/unschedulable";

INSTANTIATE_TEST_SUITE_P(
    NodeMatch, PodOnNode,
    testing::Values(NodeCase{"Plain", [](Pod&, Node&) {}, std::nullopt},
                    NodeCase{"Cordoned", [](Pod&, Node& n) { n.is_unschedulable = true; },
                             NodeMismatch::kUnschedulable},
                    NodeCase{"CordonTolerated",
                             [](Pod& p, Node& n) {
                               n.is_unschedulable = true;
                               p.tolerations = {{kUnschedulableKey, "Exists", "", "NoSchedule"}};
                             },
                             std::nullopt},
                    NodeCase{"CordonNotToleratedForAnotherEffect",
                             [](Pod& p, Node& n) {
                               n.is_unschedulable = true;
                               p.tolerations = {{kUnschedulableKey, "Exists", "", "NoExecute"}};
                             },
                             NodeMismatch::kUnschedulable},
                    NodeCase{"NoScheduleTaint",
                             [](Pod&, Node& n) {
                               n.taints = {{"k", "v", "NoSchedule"}};
                             },
                             NodeMismatch::kTaint},
                    NodeCase{"NoExecuteTaint",
                             [](Pod&, Node& n) {
                               n.taints = {{"k", "v", "NoExecute"}};
                             },
                             NodeMismatch::kTaint},
                    NodeCase{"PreferNoScheduleTaint",
                             [](Pod&, Node& n) {
                               n.taints = {{"k", "v", "PreferNoSchedule"}};
                             },
                             std::nullopt},
                    NodeCase{"OneOfTwoTaintsTolerated",
                             [](Pod& p, Node& n) {
                               n.taints = {{"a", "", "NoSchedule"}, {"b", "", "NoSchedule"}};
                               p.tolerations = {{"a", "Exists", "", ""}};
                             },
                             NodeMismatch::kTaint},
                    NodeCase{"Selector",
                             [](Pod& p, Node&) {
                               p.node_selector = {{"zone", "z1"}};
                             },
                             std::nullopt},
                    NodeCase{"SelectorOtherValue",
                             [](Pod& p, Node&) {
                               p.node_selector = {{"zone", "z2"}};
                             },
                             NodeMismatch::kNodeSelector},
                    NodeCase{"SelectorNoLabel",
                             [](Pod& p, Node&) {
                               p.node_selector = {{"rack", ""}};
                             },
                             NodeMismatch::kNodeSelector},
                    NodeCase{"Affinity",
                             [](Pod& p, Node&) {
                               p.required_node_affinity = {Labels({{"zone", "In", {"z1"}}})};
                             },
                             std::nullopt},
                    NodeCase{"AffinityWithoutTermsMatchesNothing",
                             [](Pod& p, Node&) { p.required_node_affinity = Terms(); },
                             NodeMismatch::kNodeAffinity},
                    NodeCase{"SelectorAndAffinityAreAnded",
                             [](Pod& p, Node&) {
                               p.node_selector = {{"zone", "z1"}};
                               p.required_node_affinity = {Labels({{"zone", "In", {"z2"}}})};
                             },
                             NodeMismatch::kNodeAffinity},
                    NodeCase{"Cpu", [](Pod& p, Node&) { p.requested_cpu_milli = 1001; },
                             NodeMismatch::kCpu},
                    NodeCase{"Memory", [](Pod& p, Node&) { p.requested_memory_bytes = 1001; },
                             NodeMismatch::kMemory},
                    NodeCase{"NothingAskedFitsAnOverfullNode",
                             [](Pod& p, Node& n) {
                               n.allocatable_cpu_milli = n.allocatable_memory_bytes = 0;
                               p.requested_cpu_milli = p.requested_memory_bytes = 0;
                             },
                             std::nullopt}),
    kCaseName);

TEST(NodeMatch, EveryMismatchHasItsOwnName) {
  EXPECT_EQ(NodeMismatchName(NodeMismatch::kUnschedulable), "unschedulable");
  EXPECT_EQ(NodeMismatchName(NodeMismatch::kTaint), "taint");
  EXPECT_EQ(NodeMismatchName(NodeMismatch::kNodeSelector), "node_selector");
  EXPECT_EQ(NodeMismatchName(NodeMismatch::kNodeAffinity), "node_affinity");
  EXPECT_EQ(NodeMismatchName(NodeMismatch::kCpu), "cpu");
  EXPECT_EQ(NodeMismatchName(NodeMismatch::kMemory), "memory");
}

}  // namespace
}  // namespace pmem::extender
