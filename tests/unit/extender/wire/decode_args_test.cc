// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "extender/wire/extender_v1.h"
#include "tests/unit/extender/wire/wire_testing.h"

namespace pmem::extender {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Names = std::vector<std::string_view>;

// Decodes, and fails the test when that fails.
ExtenderArgs Decode(std::string& body, ReadCandidates when = ReadCandidates::kAlways) {
  absl::StatusOr<ExtenderArgs> args = ExtenderDecoder().DecodeArgs(body, when);
  EXPECT_TRUE(args.ok()) << args.status();
  return args.ok() ? *std::move(args) : ExtenderArgs();
}

bool IsInside(std::string_view part, const std::string& whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

TEST(ExtenderDecoder, ReadsTheCapturedBodyWithFiveThousandNames) {
  for (const char* file : {"filter-names-5000.json", "prioritize-names-5000.json"}) {
    SCOPED_TRACE(file);
    std::string body = Captured(file);
    const ExtenderArgs args = Decode(body);
    EXPECT_FALSE(args.candidates.is_full);
    ASSERT_THAT(args.candidates.names, SizeIs(5000));
    EXPECT_EQ(args.candidates.names.front(), "cn-hangzhou.192.168.0.0");
    EXPECT_EQ(args.candidates.names[2], "cn-hangzhou.192.168.0.101");
    EXPECT_EQ(args.candidates.names.back(), "cn-hangzhou.192.168.5.214");
    EXPECT_THAT(args.candidates.nodes, IsEmpty());
    EXPECT_THAT(args.candidates.unescaped, IsEmpty());
    EXPECT_TRUE(IsInside(args.candidates.names.back(), body));
  }
}

TEST(ExtenderDecoder, ReadsTheCapturedBodyOfANominatedPod) {
  std::string body = Captured("filter-names-1-nominated.json");
  const ExtenderArgs args = Decode(body);
  Pod expected;
  expected.meta = {.key = {.kube_namespace = "default", .name = "pod1"},
                   .uid = "0813e051-d8cc-49de-a7f6-c03ebba17d99",
                   .resource_version = "5273"};
  expected.scheduler_name = "default-scheduler";
  expected.nominated_node_name = "cn-hangzhou.192.168.2.113";
  expected.phase = "Pending";
  expected.volumes = {{.name = "v", .claim_name = "p1"}};
  EXPECT_EQ(args.pod, expected);
  EXPECT_THAT(args.candidates.names, ElementsAre("cn-hangzhou.192.168.2.113"));
}

TEST(ExtenderDecoder, ReadsTheCapturedBodyWithAWholeNode) {
  std::string body = Captured("filter-full-1-node.json");
  const ExtenderArgs args = Decode(body);
  EXPECT_TRUE(args.candidates.is_full);
  EXPECT_THAT(args.candidates.names, ElementsAre("cn-hangzhou.192.168.2.113"));
  EXPECT_EQ(args.candidates.list_head, "\"metadata\":{},");
  ASSERT_THAT(args.candidates.nodes, SizeIs(1));
  const std::string_view node = args.candidates.nodes[0];
  EXPECT_TRUE(IsInside(node, body));
  EXPECT_EQ(node, body.substr(body.find("\"items\":[") + 9, node.size()));
  EXPECT_EQ(body.substr(body.find(node) + node.size()), "]},\"NodeNames\":null}");
}

TEST(ExtenderDecoder, ReadsNodesOneByOneInTheirOrder) {
  std::string body = Captured("filter-full-3-nodes.json");
  const ExtenderArgs args = Decode(body);
  EXPECT_THAT(args.candidates.names,
              ElementsAre("cn-hangzhou.192.168.0.16", "cn-hangzhou.192.168.0.224",
                          "cn-hangzhou.192.168.0.164"));
  ASSERT_THAT(args.candidates.nodes, SizeIs(3));
  for (const std::string_view node : args.candidates.nodes) {
    EXPECT_TRUE(node.starts_with("{\"metadata\":{\"name\":\"cn-hangzhou.192.168.0."));
    EXPECT_TRUE(node.ends_with("}]}}")) << node;
  }
}

struct KeyCase {
  const char* name;
  const char* body;
};
void PrintTo(const KeyCase& c, std::ostream* os) { *os << c.body; }

class AnyKeyForm : public testing::TestWithParam<KeyCase> {};

TEST_P(AnyKeyForm, GivesTheSameArgs) {
  std::string body = GetParam().body;
  const ExtenderArgs args = Decode(body);
  EXPECT_EQ(args.pod.meta.key.name, "p");
  EXPECT_EQ(args.candidates.names, (Names{"n1", "n2"}));
  EXPECT_FALSE(args.candidates.is_full);
}

TEST_P(AnyKeyForm, ReadsTheNamesForAPodWithClaimsWhereverItStands) {
  std::string body = absl::StrReplaceAll(
      GetParam().body,
      {{R"("p")",
        R"("p"},"spec":{"volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"c"}}])"}});
  const ExtenderArgs args = Decode(body, ReadCandidates::kIfPodHasClaims);
  EXPECT_THAT(args.pod.volumes, SizeIs(1)) << body;
  EXPECT_EQ(args.candidates.names, (Names{"n1", "n2"}));
}

INSTANTIATE_TEST_SUITE_P(
    ExtenderDecoder, AnyKeyForm,
    testing::Values(
        KeyCase{"AsSent",
                R"({"Pod":{"metadata":{"name":"p"}},"Nodes":null,"NodeNames":["n1","n2"]})"},
        KeyCase{"LowerCase", R"({"pod":{"metadata":{"name":"p"}},"nodenames":["n1","n2"]})"},
        KeyCase{"CamelCase", R"({"pod":{"metadata":{"name":"p"}},"nodeNames":["n1","n2"]})"},
        KeyCase{"UpperCase", R"({"POD":{"METADATA":{"NAME":"p"}},"NODENAMES":["n1","n2"]})"},
        KeyCase{"EscapedKey",
                R"({"\u0050od":{"metadata":{"n\u0061me":"p"}},"NodeNames":["n1","n2"]})"},
        KeyCase{"NamesFirst", R"({"NodeNames":["n1","n2"],"Pod":{"metadata":{"name":"p"}}})"},
        KeyCase{
            "UnknownMembers",
            R"({"a":[{"b":[]}],"Pod":{"x":{},"metadata":{"z":1,"name":"p"}},"NodeNames":["n1","n2"],"c":1e9})"},
        KeyCase{
            "LastOfARepeatedKeyWins",
            R"({"Pod":{"metadata":{"name":"q"}},"NodeNames":["n0"],"pod":{"metadata":{"name":"p"}},"nodeNames":["n1","n2"]})"},
        KeyCase{
            "LastOfARepeatedPodWins",
            R"({"Pod":{"metadata":{}},"NodeNames":["n1","n2"],"Pod":{"metadata":{"name":"p"}}})"},
        KeyCase{
            "NamesWinOverNodes",
            R"({"Pod":{"metadata":{"name":"p"}},"NodeNames":["n1","n2"],"Nodes":{"items":[{"metadata":{"name":"n3"}}]}})"},
        KeyCase{"WhiteSpace",
                "\n { \"Pod\" : { \"metadata\" :\t{ \"name\" : \"p\" } } ,\r\n \"NodeNames\" : [ "
                "\"n1\" , \"n2\" \n] } \n"}),
    CaseName);

TEST(ExtenderDecoder, ReadsTheNodesForAPodWithClaimsThatIsTheLastOfSeveral) {
  const std::string nodes = R"({"items":[{"metadata":{"name":"n1"}},{"metadata":{"name":"n2"}}]})";
  std::string body = absl::StrCat(
      R"({"Pod":{"metadata":{}},"Nodes":)", nodes,
      R"(,"Pod":{"spec":{"volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"c"}}]}}})");
  const ExtenderArgs args = Decode(body, ReadCandidates::kIfPodHasClaims);
  EXPECT_TRUE(args.candidates.is_full);
  EXPECT_EQ(args.candidates.names, (Names{"n1", "n2"}));
  EXPECT_THAT(args.candidates.nodes, SizeIs(2));
}

TEST(ExtenderDecoder, UnescapesNames) {
  std::string body =
      R"({"Pod":{},"NodeNames":["a\u002eb","c\/d","plain","\u00e9\ud83d\ude00","é"]})";
  const ExtenderArgs args = Decode(body);
  EXPECT_EQ(args.candidates.names, (Names{"a.b", "c/d", "plain", "é😀", "é"}));
  EXPECT_THAT(args.candidates.unescaped, SizeIs(3));
}

TEST(ExtenderDecoder, ArgsKeepTheirNamesWhenTheyMoveAndTheDecoderGoesOn) {
  ExtenderDecoder decoder;
  std::string body = R"({"Pod":{},"NodeNames":["a\u002eb","plain"]})";
  ExtenderArgs moved = *decoder.DecodeArgs(body, ReadCandidates::kAlways);
  std::string other = R"({"Pod":{},"NodeNames":["x\u002ey","zzzzz"]})";
  ASSERT_TRUE(decoder.DecodeArgs(other, ReadCandidates::kAlways).ok());
  const ExtenderArgs args = std::move(moved);
  EXPECT_EQ(args.candidates.names, (Names{"a.b", "plain"}));
}

TEST(ExtenderDecoder, ANodeSentTwiceIsThereTwice) {
  std::string body = R"({"Pod":{},"NodeNames":["n1","n2","n1"]})";
  EXPECT_EQ(Decode(body).candidates.names, (Names{"n1", "n2", "n1"}));
}

TEST(ExtenderDecoder, NoNamesIsAListOfNone) {
  std::string body = R"({"Pod":{},"NodeNames":[]})";
  EXPECT_THAT(Decode(body).candidates.names, IsEmpty());
  std::string full = R"({"Pod":{},"Nodes":{"items":null}})";
  const ExtenderArgs args = Decode(full);
  EXPECT_THAT(args.candidates.names, IsEmpty());
  EXPECT_TRUE(args.candidates.is_full);
}

TEST(ExtenderDecoder, KeepsTheNamesAsSentWhenNoneHadToBeRewritten) {
  std::string plain = R"({"Pod":{},"NodeNames":[ "n1","n2" ]  })";
  EXPECT_EQ(Decode(plain).candidates.raw, R"([ "n1","n2" ])");
  std::string escaped = R"({"Pod":{},"NodeNames":["n1","n\u0032"]})";
  EXPECT_EQ(Decode(escaped).candidates.raw, "");
}

TEST(ExtenderDecoder, LeavesTheCandidatesUnreadForAPodWithoutClaims) {
  std::string names =
      R"({"Pod":{"spec":{"volumes":[{"name":"v"}]}},"Nodes":null,"NodeNames":["n1"] })";
  const ExtenderArgs few = Decode(names, ReadCandidates::kIfPodHasClaims);
  EXPECT_EQ(few.candidates.raw, R"(["n1"])");
  EXPECT_THAT(few.candidates.names, IsEmpty());

  std::string nodes =
      R"({"Pod":{},"Nodes":{"items":[{"metadata":{"name":"n1"}}]} ,"NodeNames":null})";
  const ExtenderArgs full = Decode(nodes, ReadCandidates::kIfPodHasClaims);
  EXPECT_EQ(full.candidates.raw, R"({"items":[{"metadata":{"name":"n1"}}]})");
  EXPECT_TRUE(full.candidates.is_full);
}

TEST(ExtenderDecoder, ReadsTheCandidatesWhenThePodHasClaimsOrIsNotKnownYet) {
  for (
      const char* json :
      {R"({"Pod":{"spec":{"volumes":[{"persistentVolumeClaim":{"claimName":"c"}}]}},"NodeNames":["n1"]})",
       R"({"NodeNames":["n1"],"Pod":{}})"}) {
    SCOPED_TRACE(json);
    std::string body = json;
    EXPECT_THAT(Decode(body, ReadCandidates::kIfPodHasClaims).candidates.names, ElementsAre("n1"));
  }
}

TEST(ExtenderDecoder, FindsTheNameAnywhereInANode) {
  std::string body =
      R"({"Pod":{},"Nodes":{"kind":"NodeList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":[)"
      R"({"spec":{"a":[1,{"name":"no"}]},"metadata":{"labels":{"name":"no"},"name":"n1","uid":"u"},"status":{}} , )"
      R"({"metadata":{"name":"n\u0032"}}]}})";
  const ExtenderArgs args = Decode(body);
  EXPECT_EQ(args.candidates.names, (Names{"n1", "n2"}));
  EXPECT_EQ(args.candidates.nodes[1], R"({"metadata":{"name":"n\u0032"}})");
  EXPECT_TRUE(args.candidates.nodes[0].ends_with(R"("status":{}})"));
  EXPECT_EQ(args.candidates.list_head,
            R"("kind":"NodeList","apiVersion":"v1","metadata":{"resourceVersion":"7"},)");
}

TEST(ExtenderDecoder, DoesNotCopyABodyThatHasSpareCapacity) {
  std::string body =
      R"({"Pod":{},"NodeNames":["a-name-that-is-not-short-enough-for-the-string-itself"]})";
  body.reserve(body.size() + kBodyPaddingBytes);
  const char* const before = body.data();
  const ExtenderArgs args = Decode(body);
  EXPECT_EQ(body.data(), before);
  EXPECT_TRUE(IsInside(args.candidates.names[0], body));
}

}  // namespace
}  // namespace pmem::extender
