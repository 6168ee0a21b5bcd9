// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/watched_kind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace pmem::extender {
namespace {

using testing::ElementsAre;

class NameSink final : public ObjectSink<Node> {
 public:
  void OnSeen(Node) override {}
  void OnGone(Node) override {}
  void OnRelisted(std::vector<Node> objects) override {
    for (const Node& node : objects) {
      listed.push_back(absl::StrCat(node.meta.key.name, " ", node.meta.uid));
    }
  }
  std::vector<std::string> listed;
};

constexpr size_t kMax = 100;

class TypedKindTest : public testing::Test {
 protected:
  absl::Status TryCollect(const char* type, const std::string& name, const char* uid) {
    const std::string line =
        absl::StrCat(R"({"type":")", type, R"(","object":{"metadata":{"name":")", name,
                     R"(","uid":")", uid, R"("}}})");
    EXPECT_TRUE(kind_.ReadEvent(line).ok());
    return kind_.Perform(ReflectorAction::kCollect);
  }
  void Collect(const char* type, const char* name, const char* uid) {
    ASSERT_TRUE(TryCollect(type, name, uid).ok());
  }

  NameSink sink_;
  TypedKind<Node> kind_{&sink_, kMax};
};

TEST_F(TypedKindTest, PublishesTheLastOfEachKeySorted) {
  Collect("ADDED", "b", "1");
  Collect("ADDED", "a", "2");
  Collect("MODIFIED", "b", "3");
  Collect("ADDED", "gone", "4");
  Collect("DELETED", "gone", "4");
  Collect("ADDED", "again", "5");
  Collect("DELETED", "again", "5");
  Collect("ADDED", "again", "6");
  EXPECT_TRUE(kind_.Perform(ReflectorAction::kPublish).ok());
  EXPECT_THAT(sink_.listed, ElementsAre("a 2", "again 6", "b 3"));
}

TEST_F(TypedKindTest, ForgetsWhatWasPublishedOrBegunAnew) {
  Collect("ADDED", "a", "1");
  EXPECT_TRUE(kind_.Perform(ReflectorAction::kPublish).ok());
  Collect("ADDED", "b", "2");
  kind_.BeginAnew();
  Collect("ADDED", "c", "3");
  EXPECT_TRUE(kind_.Perform(ReflectorAction::kPublish).ok());
  EXPECT_THAT(sink_.listed, ElementsAre("a 1", "c 3"));
}

TEST_F(TypedKindTest, WhatComesAgainAndAgainIsKeptOnce) {
  for (size_t i = 0; i < 20 * kMax; ++i) Collect("ADDED", i % 2 == 0 ? "a" : "b", "1");
  Collect("ADDED", "b", "2");
  EXPECT_TRUE(kind_.Perform(ReflectorAction::kPublish).ok());
  EXPECT_THAT(sink_.listed, ElementsAre("a 1", "b 2"));
}

TEST_F(TypedKindTest, TooManyAreRefusedFromAStreamAndFromPages) {
  for (size_t i = 0; i < kMax; ++i) Collect("ADDED", absl::StrCat("n", i).c_str(), "1");
  EXPECT_TRUE(absl::IsResourceExhausted(TryCollect("ADDED", "more", "1")));
  kind_.BeginAnew();
  std::vector<std::string> items;
  for (size_t i = 0; i < kMax; ++i) {
    items.push_back(absl::StrCat(R"({"metadata":{"name":"n)", i, R"("}})"));
  }
  const auto page = [](const std::string& list) {
    return absl::StrCat(R"({"metadata":{"resourceVersion":"1"},"items":[)", list, "]}");
  };
  EXPECT_TRUE(kind_.ReadPage(page(absl::StrJoin(items, ","))).ok());
  EXPECT_TRUE(
      absl::IsResourceExhausted(kind_.ReadPage(page(R"({"metadata":{"name":"more"}})")).status()));
}

}  // namespace
}  // namespace pmem::extender
