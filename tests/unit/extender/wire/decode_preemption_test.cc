// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "extender/wire/extender_v1.h"
#include "tests/unit/extender/wire/wire_testing.h"

namespace pmem::extender {

void PrintTo(const NodeVictims& victims, std::ostream* os) {
  *os << victims.node << " pdb=" << victims.pdb_violations;
  for (const std::string_view uid : victims.pod_uids) *os << " " << uid;
}

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ExtenderDecoderPreemption, ReadsMetaVictims) {
  std::string body =
      R"({"Pod":{"metadata":{"name":"p"}},"NodeNameToVictims":null,"NodeNameToMetaVictims":{)"
      R"("n2":{"Pods":[{"UID":"u1"},{"UID":"u2"}],"NumPDBViolations":1},"n1":{"Pods":[{"UID":"u3"}],"NumPDBViolations":0}}})";
  const auto args = ExtenderDecoder().DecodePreemption(body);
  ASSERT_TRUE(args.ok()) << args.status();
  EXPECT_EQ(args->pod.meta.key.name, "p");
  EXPECT_THAT(args->nodes,
              ElementsAre(NodeVictims{"n2", {"u1", "u2"}, 1}, NodeVictims{"n1", {"u3"}, 0}));
}

TEST(ExtenderDecoderPreemption, ReadsTheUidsOfWholePods) {
  std::string body =
      R"({"Pod":{},"NodeNameToVictims":{"n1":{"Pods":[{"metadata":{"name":"a","uid":"u1"},"spec":{"x":[1]}},)"
      R"({"kind":"Pod","metadata":{"uid":"u2"}}],"NumPDBViolations":2}},"NodeNameToMetaVictims":null})";
  const auto args = ExtenderDecoder().DecodePreemption(body);
  ASSERT_TRUE(args.ok()) << args.status();
  EXPECT_THAT(args->nodes, ElementsAre(NodeVictims{"n1", {"u1", "u2"}, 2}));
}

TEST(ExtenderDecoderPreemption, MetaVictimsWinAndKeysMayHaveAnyCase) {
  std::string body =
      R"({"pod":{},"nodeNameToVictims":{"n1":{}},"nodeNameToMetaVictims":{"n2":{"pods":[{"uid":"u"}],"numPDBViolations":3}}})";
  const auto args = ExtenderDecoder().DecodePreemption(body);
  ASSERT_TRUE(args.ok()) << args.status();
  EXPECT_THAT(args->nodes, ElementsAre(NodeVictims{"n2", {"u"}, 3}));
}

TEST(ExtenderDecoderPreemption, ANodeWithNullVictimsHasNone) {
  std::string body = R"({"Pod":{},"NodeNameToMetaVictims":{"n1":null,"n2":{"Pods":null}}})";
  const auto args = ExtenderDecoder().DecodePreemption(body);
  ASSERT_TRUE(args.ok()) << args.status();
  EXPECT_THAT(args->nodes, ElementsAre(NodeVictims{"n1", {}, 0}, NodeVictims{"n2", {}, 0}));
}

TEST(ExtenderDecoderPreemption, EscapedNamesOutliveTheDecoder) {
  std::string body =
      R"({"Pod":{},"NodeNameToMetaVictims":{"n\u0031":{"Pods":[{"UID":"u\u0031"}]}}})";
  const auto args = ExtenderDecoder().DecodePreemption(body);
  ASSERT_TRUE(args.ok()) << args.status();
  EXPECT_THAT(args->nodes, ElementsAre(NodeVictims{"n1", {"u1"}, 0}));
}

struct BadCase {
  const char* name;
  const char* body;
  const char* message;
};
void PrintTo(const BadCase& c, std::ostream* os) { *os << c.body; }

class BadPreemptionArgs : public testing::TestWithParam<BadCase> {};

TEST_P(BadPreemptionArgs, AreRefused) {
  std::string body = GetParam().body;
  const auto args = ExtenderDecoder().DecodePreemption(body);
  EXPECT_EQ(args.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(args.status().message()), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    ExtenderDecoderPreemption, BadPreemptionArgs,
    testing::Values(
        BadCase{"Cut", R"({"Pod":{},"NodeNameToMetaVictims":{"n1":{)", "malformed JSON"},
        BadCase{"NoPod", R"({"NodeNameToMetaVictims":{}})", "wanted a pod"},
        BadCase{"NoMap", R"({"Pod":{},"NodeNameToVictims":null})", "got neither"},
        BadCase{"MapIsAnArray", R"({"Pod":{},"NodeNameToMetaVictims":[]})", "wanted an object"},
        BadCase{"VictimsAreAnArray", R"({"Pod":{},"NodeNameToMetaVictims":{"n1":[]}})",
                "NodeNameToMetaVictims[n1]"},
        BadCase{"NoUid", R"({"Pod":{},"NodeNameToMetaVictims":{"n1":{"Pods":[{}]}}})",
                "with a UID"},
        BadCase{"NullVictim", R"({"Pod":{},"NodeNameToVictims":{"n1":{"Pods":[null]}}})",
                "with a UID"},
        BadCase{"UidIsANumber", R"({"Pod":{},"NodeNameToMetaVictims":{"n1":{"Pods":[{"UID":1}]}}})",
                "wanted a string"},
        BadCase{"CountIsAFraction",
                R"({"Pod":{},"NodeNameToMetaVictims":{"n1":{"NumPDBViolations":1.5}}})",
                "NumPDBViolations"},
        BadCase{"CountIsText",
                R"({"Pod":{},"NodeNameToMetaVictims":{"n1":{"NumPDBViolations":"1"}}})",
                "wanted an integer"},
        BadCase{"EmptyName", R"({"Pod":{},"NodeNameToMetaVictims":{"":{}}})", "node names"}),
    CaseName);

TEST(ExtenderDecoderPreemption, TooManyVictimsArePastALimit) {
  std::string body = R"({"Pod":{},"NodeNameToMetaVictims":{"n1":{"Pods":[{"UID":"u"})";
  for (size_t i = 0; i < kVictimsPerNodeMax; ++i) body += R"(,{"UID":"u"})";
  body += "]}}}";
  const auto args = ExtenderDecoder().DecodePreemption(body);
  EXPECT_EQ(args.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(args.status().message()), HasSubstr("kVictimsPerNodeMax = 10000"));
}

}  // namespace
}  // namespace pmem::extender
