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
  const std::vector<const Claim*> beside = ReplicaIndex(cache).Beside(first, cache);
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

TEST(ReplicaIndex, SaysOfItsClaimsWhatTheCacheSaysNow) {
  ObjectCache cache;
  std::vector<Claim> claims;
  for (const char* name : {"data-db-0", "log-db-0", "tmp-db-0"}) {
    claims.push_back(MakeClaim(static_cast<int>(claims.size()) + 1, kGiB));
    claims.back().meta.key.name = name;
    claims.back().labels = {{"app", "db"}};
    cache.Put(claims.back());
  }
  const ReplicaIndex index(cache);
  claims[1].selected_node = "n1";
  cache.Put(claims[1]);
  cache.EraseClaim(claims[2].meta.uid);
  const std::vector<const Claim*> beside = index.Beside(claims[0], cache);
  ASSERT_EQ(beside.size(), 2U);
  EXPECT_EQ(*beside[1], claims[1]);
}

}  // namespace
}  // namespace pmem::extender
