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
  void OnRelisted(std::vector<Node> objects) override {
    for (const Node& node : objects) {
      listed.push_back(absl::StrCat(node.meta.key.name, " ", node.meta.uid));
    }
  }
  std::vector<std::string> listed;
};

class TypedKindTest : public testing::Test {
 protected:
  void Collect(const char* type, const char* name, const char* uid) {
    const std::string line =
        absl::StrCat(R"({"type":")", type, R"(","object":{"metadata":{"name":")", name,
                     R"(","uid":")", uid, R"("}}})");
    ASSERT_TRUE(kind_.ReadEvent(line).ok());
    kind_.Perform(ReflectorAction::kCollect);
  }

  NameSink sink_;
  TypedKind<Node> kind_{&sink_};
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
  kind_.Perform(ReflectorAction::kPublish);
  EXPECT_THAT(sink_.listed, ElementsAre("a 2", "again 6", "b 3"));
}

TEST_F(TypedKindTest, ForgetsWhatWasPublishedOrBegunAnew) {
  Collect("ADDED", "a", "1");
  kind_.Perform(ReflectorAction::kPublish);
  Collect("ADDED", "b", "2");
  kind_.BeginAnew();
  Collect("ADDED", "c", "3");
  kind_.Perform(ReflectorAction::kPublish);
  EXPECT_THAT(sink_.listed, ElementsAre("a 1", "c 3"));
}

}  // namespace
}  // namespace pmem::extender
