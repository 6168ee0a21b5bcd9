// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/watched_kind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace pmem::extender {
namespace {

using testing::ElementsAre;

class NameSink final : public ObjectSink<Node> {
 public:
  void OnSeen(Node) override {}
  void OnGone(Node) override {}
  void OnRelisted(Relisted<Node> list) override {
    is_set_back = list.is_set_back;
    version = list.version;
    for (const Node& node : list.objects) {
      listed.push_back(absl::StrCat(node.meta.key.name, " ", node.meta.uid));
    }
  }
  std::vector<std::string> listed;
  std::string version;
  bool is_set_back = false;
};

constexpr size_t kMax = 100;

class TypedKindTest : public testing::Test {
 protected:
  absl::Status TryCollect(const std::string& name, const char* uid) {
    absl::Status object_error;
    absl::Status status = kind_.ReadItem(
        absl::StrCat(R"({"metadata":{"name":")", name, R"(","uid":")", uid, R"("}})"),
        &object_error);
    EXPECT_EQ(object_error, absl::OkStatus());
    return status;
  }
  void Collect(const std::string& name, const char* uid) {
    ASSERT_TRUE(TryCollect(name, uid).ok());
  }

  NameSink sink_;
  TypedKind<Node> kind_{&sink_, kMax};
};

TEST_F(TypedKindTest, PublishesTheLastOfEachKeySorted) {
  Collect("b", "1");
  Collect("a", "2");
  Collect("b", "3");
  kind_.Perform(ReflectorAction::kPublish);
  EXPECT_THAT(sink_.listed, ElementsAre("a 2", "b 3"));
}

TEST_F(TypedKindTest, PublishesTheVersionOfTheListAndThatItWasSetBack) {
  Collect("a", "1");
  ASSERT_TRUE(kind_.ReadFrame(R"({"metadata":{"resourceVersion":"7"},"items":[]})").ok());
  kind_.Perform(ReflectorAction::kPublish);
  EXPECT_EQ(sink_.version, "7");
  EXPECT_FALSE(sink_.is_set_back);
  kind_.Perform(ReflectorAction::kPublishSetBack);
  EXPECT_TRUE(sink_.is_set_back);
}

TEST_F(TypedKindTest, PublishesWhatComesSortedAsItIs) {
  for (const char* name : {"a", "b", "c"}) Collect(name, "1");
  kind_.Perform(ReflectorAction::kPublish);
  EXPECT_THAT(sink_.listed, ElementsAre("a 1", "b 1", "c 1"));
}

TEST_F(TypedKindTest, ForgetsWhatWasPublishedOrBegunAnew) {
  Collect("a", "1");
  kind_.Perform(ReflectorAction::kPublish);
  Collect("b", "2");
  kind_.BeginAnew();
  Collect("c", "3");
  kind_.Perform(ReflectorAction::kPublish);
  EXPECT_THAT(sink_.listed, ElementsAre("a 1", "c 3"));
}

TEST_F(TypedKindTest, AnItemThatIsNoNodeIsLeftOutAndTold) {
  Collect("a", "1");
  absl::Status object_error;
  EXPECT_TRUE(kind_.ReadItem(R"({"metadata":{"name":"bad"},"spec":7})", &object_error).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(object_error));
  EXPECT_FALSE(kind_.ReadItem("{", &object_error).ok()) << "that is no JSON";
  kind_.Perform(ReflectorAction::kPublish);
  EXPECT_THAT(sink_.listed, ElementsAre("a 1"));
}

TEST_F(TypedKindTest, WhatComesAgainAndAgainIsKeptOnce) {
  for (size_t i = 0; i < 20 * kMax; ++i) Collect(i % 2 == 0 ? "a" : "b", "1");
  Collect("b", "2");
  kind_.Perform(ReflectorAction::kPublish);
  EXPECT_THAT(sink_.listed, ElementsAre("a 1", "b 2"));
}

TEST_F(TypedKindTest, TooManyAreRefused) {
  for (size_t i = 0; i < kMax; ++i) Collect(absl::StrCat("n", i), "1");
  EXPECT_TRUE(absl::IsResourceExhausted(TryCollect("more", "1")));
}

TEST_F(TypedKindTest, TheFrameTellsTheVersionAndWhetherThereIsMore) {
  const auto facts =
      kind_.ReadFrame(R"({"metadata":{"resourceVersion":"7","continue":"more"},"items":[]})");
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->resource_version, "7");
  EXPECT_EQ(facts->continue_token, "more");
}

}  // namespace
}  // namespace pmem::extender
