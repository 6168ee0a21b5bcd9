// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/core/node_kind.h"

#include <gtest/gtest.h>

#include <ostream>

namespace pmem::driver {
namespace {

struct LabelCase {
  const char* name;
  const char* labels;
  const char* kind;  // Empty: refused.
};

void PrintTo(const LabelCase& c, std::ostream* out) { *out << c.labels; }

class KindOfNodeTest : public testing::TestWithParam<LabelCase> {};

TEST_P(KindOfNodeTest, ReadsTheLabels) {
  const auto kind = KindOfNode(std::string(R"({"kind":"Node","metadata":{"name":"n1","labels":)") +
                               GetParam().labels + "}}");
  if (*GetParam().kind == '\0') {
    EXPECT_TRUE(absl::IsInvalidArgument(kind.status())) << kind.status();
  } else {
    ASSERT_TRUE(kind.ok()) << kind.status();
    EXPECT_EQ(InitKindName(*kind), GetParam().kind);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Labels, KindOfNodeTest,
    testing::Values(
        LabelCase{"NoLabels", "null", "none"}, LabelCase{"OthersOnly", R"({"a":"lvm"})", "none"},
        LabelCase{"New", R"({"pmem.csi.alibabacloud.com/type":"lvm"})", "lvm"},
        LabelCase{"Old", R"({"pmem.csi.alibabacloud.com":"direct"})", "direct"},
        LabelCase{
            "NewWins",
            R"({"pmem.csi.alibabacloud.com":"direct","pmem.csi.alibabacloud.com/type":"lvm"})",
            "lvm"},
        LabelCase{
            "NewWinsWithNone",
            R"({"pmem.csi.alibabacloud.com":"direct","pmem.csi.alibabacloud.com/type":"none"})",
            "none"},
        LabelCase{
            "UnknownIsNotPassedBy",
            R"({"pmem.csi.alibabacloud.com":"direct","pmem.csi.alibabacloud.com/type":"LVM"})", ""},
        LabelCase{"NotText", R"({"pmem.csi.alibabacloud.com/type":1})", ""}),
    [](const auto& row) { return row.param.name; });

TEST(KindOfNode, RefusesWhatIsNoNode) {
  EXPECT_FALSE(KindOfNode("{}").ok());
  EXPECT_FALSE(KindOfNode("not json").ok());
}

TEST(SettingsOfNode, TellsOneNodeFromTheOthers) {
  constexpr char kConfig[] = R"({"initialize_labels":true,"nodes":{
      "n1":{"lvm_percent":50},"n2":{"initialize_labels":false}}})";
  EXPECT_EQ(*SettingsOfNode(kConfig, "n1"), (NodeSettings{50, true}));
  EXPECT_EQ(*SettingsOfNode(kConfig, "n2"), (NodeSettings{0, false}));
  EXPECT_EQ(*SettingsOfNode(kConfig, "n3"), (NodeSettings{0, true}));
  EXPECT_EQ(*SettingsOfNode("{}", "n1"), NodeSettings{});
}

TEST(SettingsOfNode, RefusesWhatItDoesNotKnow) {
  for (const char* const config :
       {"[]", R"({"node":{}})", R"({"nodes":{"n1":{"lvm_percent":0}}})",
        R"({"nodes":{"n1":{"lvm_percent":100}}})", R"({"nodes":{"n1":{"lvmpercent":50}}})",
        R"({"nodes":{"n1":[]}})", R"({"initialize_labels":"yes"})"}) {
    SCOPED_TRACE(config);
    EXPECT_TRUE(absl::IsInvalidArgument(SettingsOfNode(config, "n2").status()));
  }
}

}  // namespace
}  // namespace pmem::driver
