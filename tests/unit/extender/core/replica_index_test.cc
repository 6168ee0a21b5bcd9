// SPDX-License-Identifier: Apache-2.0
#include "extender/core/replica_index.h"

#include <gtest/gtest.h>

#include "tests/support/builders.h"

namespace pmem::extender {
namespace {

struct SiblingCase {
  const char* name;
  std::string first = "data-db-0", second = "log-db-0";
  std::map<std::string, std::string> first_labels = {{"app", "db"}};
  std::map<std::string, std::string> second_labels = {{"app", "db"}};
  std::string second_kube_namespace = "default";
  bool are_siblings = false;
  friend void PrintTo(const SiblingCase& c, std::ostream* os) { *os << c.name; }
};

class ReplicaSiblings : public testing::TestWithParam<SiblingCase> {};

TEST_P(ReplicaSiblings, AreKnownByNamesAndLabels) {
  const SiblingCase& c = GetParam();
  Claim first = MakeClaim(1, kGiB), second = MakeClaim(2, kGiB);
  first.meta.key.name = c.first;
  first.labels = c.first_labels;
  second.meta.key = {c.second_kube_namespace, c.second};
  second.labels = c.second_labels;
  ObjectCache cache;
  cache.Put(first);
  cache.Put(second);
  const std::vector<const Claim*> beside = ReplicaIndex(cache).Beside(first);
  EXPECT_EQ(beside.size() == 2, c.are_siblings);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, ReplicaSiblings,
    testing::Values(SiblingCase{.name = "TwoTemplates", .are_siblings = true},
                    SiblingCase{.name = "TemplatesWithDashes",
                                .first = "write-ahead-db-12",
                                .second = "data-db-12",
                                .are_siblings = true},
                    SiblingCase{.name = "SetWithDashes",
                                .first = "data-my-db-0",
                                .second = "log-my-db-0",
                                .are_siblings = true},
                    SiblingCase{.name = "OtherReplica", .second = "log-db-1"},
                    SiblingCase{.name = "OtherReplicaWithTheSameEnd", .second = "log-db-10"},
                    SiblingCase{.name = "OtherSet", .second = "data-web-0"},
                    SiblingCase{.name = "OnlyTheOrdinal", .first = "data-0", .second = "log-0"},
                    SiblingCase{.name = "NoOrdinal", .first = "data-db", .second = "log-db"},
                    SiblingCase{.name = "DigitsWithoutADash", .first = "a-db0", .second = "b-db0"},
                    SiblingCase{.name = "OtherLabels", .second_labels = {{"app", "web"}}},
                    SiblingCase{.name = "NoLabels", .first_labels = {}, .second_labels = {}},
                    SiblingCase{.name = "OtherKubeNamespace", .second_kube_namespace = "other"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace pmem::extender
