// SPDX-License-Identifier: Apache-2.0
// The bytes that go to the scheduler, whole.
#include <gtest/gtest.h>

#include <climits>

#include "extender/wire/extender_v1.h"
#include "tests/unit/extender/wire/wire_testing.h"

namespace pmem::extender {
namespace {

ExtenderArgs Decode(std::string& body, ReadCandidates when = ReadCandidates::kAlways) {
  auto args = ExtenderDecoder().DecodeArgs(body, when);
  EXPECT_TRUE(args.ok()) << args.status();
  return *std::move(args);
}

constexpr NodeAnswer kPass;
constexpr NodeAnswer kNoRoom{NodeVerdict::kRefused, "no room"};
constexpr NodeAnswer kHeld{NodeVerdict::kRefusedForNow, "held by others"};

TEST(ExtenderEncoder, AnswersNamesWithNamesInTheirOrder) {
  std::string body = R"({"Pod":{},"NodeNames":["n3","n1","n2","n0"]})";
  const ExtenderArgs args = Decode(body);
  EXPECT_EQ(
      EncodeFilterResult(args.candidates, std::vector<NodeAnswer>{kPass, kNoRoom, kPass, kHeld}),
      R"({"Nodes":null,"NodeNames":["n3","n2"],"FailedNodes":{"n0":"held by others"},)"
      R"("FailedAndUnresolvableNodes":{"n1":"no room"},"Error":""})");
}

TEST(ExtenderEncoder, NoPassingNameIsAnEmptyListAndNotNull) {
  std::string body = R"({"Pod":{},"NodeNames":["n1","n2"]})";
  const ExtenderArgs args = Decode(body);
  EXPECT_EQ(EncodeFilterResult(args.candidates, std::vector<NodeAnswer>{kNoRoom, kNoRoom}),
            R"({"Nodes":null,"NodeNames":[],"FailedNodes":{},)"
            R"("FailedAndUnresolvableNodes":{"n1":"no room","n2":"no room"},"Error":""})");
}

TEST(ExtenderEncoder, AnswersNodesWithTheirOwnBytes) {
  std::string body =
      R"({"Pod":{},"Nodes":{"apiVersion":"v1","metadata":{"a":1},"items":[{"metadata": {"name":"n1"},"x":1.50},{"metadata":{"name":"n2"}}]}})";
  const ExtenderArgs args = Decode(body);
  EXPECT_EQ(
      EncodeFilterResult(args.candidates, std::vector<NodeAnswer>{kPass, kNoRoom}),
      R"({"Nodes":{"apiVersion":"v1","metadata":{"a":1},"items":[{"metadata": {"name":"n1"},"x":1.50}]},)"
      R"("NodeNames":null,"FailedNodes":{},"FailedAndUnresolvableNodes":{"n2":"no room"},"Error":""})");
}

TEST(ExtenderEncoder, EscapesWhatJsonNeedsEscaped) {
  std::string body = R"({"Pod":{},"NodeNames":["a\"b","c\\d","e\u0001f","\u00e9"]})";
  const ExtenderArgs args = Decode(body);
  EXPECT_EQ(EncodeFilterResult(
                args.candidates,
                std::vector<NodeAnswer>{kPass, kPass, kPass, {NodeVerdict::kRefused, "\"\n"}}),
            R"({"Nodes":null,"NodeNames":["a\"b","c\\d","e\u0001f"],"FailedNodes":{},)"
            R"("FailedAndUnresolvableNodes":{"é":"\"\u000a"},"Error":""})");
}

TEST(ExtenderEncoder, ANodeSentTwiceIsAnsweredTwice) {
  std::string body = R"({"Pod":{},"NodeNames":["n1","n1"]})";
  EXPECT_EQ(EncodeAllPass(Decode(body).candidates),
            R"({"Nodes":null,"NodeNames":["n1","n1"],"FailedNodes":{},)"
            R"("FailedAndUnresolvableNodes":{},"Error":""})");
}

TEST(ExtenderEncoder, AllPassIsTheSameWhetherTheCandidatesWereReadOrNot) {
  for (const char* file :
       {"filter-names-5000.json", "filter-full-1-node.json", "filter-full-3-nodes.json"}) {
    SCOPED_TRACE(file);
    std::string body = Captured(file);
    const size_t claim = body.find("persistentVolumeClaim");
    body.replace(claim, 21, "persistentVolumeOther");
    const ExtenderArgs unread = Decode(body, ReadCandidates::kIfPodHasClaims);
    const ExtenderArgs read = Decode(body);
    const std::vector<NodeAnswer> all(read.candidates.names.size());
    EXPECT_TRUE(unread.candidates.names.empty());
    EXPECT_EQ(EncodeAllPass(unread.candidates), EncodeAllPass(read.candidates));
    EXPECT_EQ(EncodeAllPass(unread.candidates), EncodeFilterResult(read.candidates, all));
  }
}

TEST(ExtenderEncoder, AllPassInPlaceIsTheSame) {
  const std::string short_head = R"({"NodeNames":["n1"],"Pod":{}})";
  const std::string short_list = R"({"Nodes":{"items":[{"metadata":{"name":"n1"}}]},"Pod":{}})";
  const std::string no_names = R"({"Pod":{},"NodeNames":[]})";
  const std::string no_nodes = R"({"Pod":{},"Nodes":{"items":[]}})";
  const std::string escaped = R"({"Pod":{"metadata":{"name":"p"}},"NodeNames":["a\u0062","c"]})";
  for (const std::string& body :
       {Captured("filter-names-5000.json"), Captured("filter-full-1-node.json"),
        Captured("filter-full-3-nodes.json"), short_head, short_list, no_names, no_nodes,
        escaped}) {
    for (const auto when : {ReadCandidates::kAlways, ReadCandidates::kIfPodHasClaims}) {
      std::string taken = body;
      const ExtenderArgs args = Decode(taken, when);
      const std::string wanted = EncodeAllPass(args.candidates);
      EXPECT_EQ(EncodeAllPassInPlace(args.candidates, taken), wanted) << body.substr(0, 100);
    }
  }
}

TEST(ExtenderEncoder, AllPassEchoesTheCapturedNode) {
  std::string body = Captured("filter-full-1-node.json");
  const ExtenderArgs args = Decode(body);
  const size_t begin = body.find("\"Nodes\":");
  const std::string nodes = body.substr(begin, body.find("}]},\"NodeNames\"") + 3 - begin);
  EXPECT_EQ(
      EncodeAllPass(args.candidates),
      "{" + nodes +
          R"(,"NodeNames":null,"FailedNodes":{},"FailedAndUnresolvableNodes":{},"Error":""})");
}

TEST(ExtenderEncoder, AnErrorNamesNoNode) {
  EXPECT_EQ(EncodeFilterError("not synced"),
            R"({"Nodes":null,"NodeNames":[],"FailedNodes":{},"FailedAndUnresolvableNodes":{},)"
            R"("Error":"not synced"})");
}

TEST(ExtenderEncoder, WritesScoresAsIntegersAndLeavesZeroOut) {
  std::string body = R"({"Pod":{},"NodeNames":["n1","a-long-name-of-node-2","n3","n4"]})";
  const ExtenderArgs args = Decode(body);
  EXPECT_EQ(
      EncodeHostPriorityList(args.candidates, std::vector<int>{10, 0, INT_MIN, 7}),
      R"([{"Host":"n1","Score":10},{"Host":"n3","Score":-2147483648},{"Host":"n4","Score":7}])");
  EXPECT_EQ(EncodeHostPriorityList(args.candidates, std::vector<int>{0, 0, 0, 0}), "[]");
  EXPECT_EQ(EncodeHostPriorityList({}, {}), "[]");
}

TEST(ExtenderEncoder, EscapesTheHostsOfScores) {
  std::string body = R"({"Pod":{},"NodeNames":["n1","n\"2","n3"]})";
  EXPECT_EQ(EncodeHostPriorityList(Decode(body).candidates, std::vector<int>{10, 1, 0}),
            R"([{"Host":"n1","Score":10},{"Host":"n\"2","Score":1}])");
}

TEST(ExtenderEncoder, ScoresOfWholeNodesNameTheirHosts) {
  std::string body =
      R"({"Pod":{},"Nodes":{"items":[{"metadata":{"name":"n1"}},{"metadata":{"name":"n2"}}]}})";
  EXPECT_EQ(EncodeHostPriorityList(Decode(body).candidates, std::vector<int>{0, 3}),
            R"([{"Host":"n2","Score":3}])");
}

TEST(ExtenderEncoder, EchoesTheVictimsOfKeptNodes) {
  std::string body =
      R"({"Pod":{},"NodeNameToMetaVictims":{"n2":{"Pods":[{"UID":"u1"},{"UID":"u2"}],"NumPDBViolations":1},)"
      R"("n1":{"Pods":[{"UID":"u3"}]},"n3":null}})";
  const auto args = ExtenderDecoder().DecodePreemption(body);
  ASSERT_TRUE(args.ok()) << args.status();
  EXPECT_EQ(
      EncodePreemptionResult(*args, {true, false, true}),
      R"({"NodeNameToMetaVictims":{"n2":{"Pods":[{"UID":"u1"},{"UID":"u2"}],"NumPDBViolations":1},)"
      R"("n3":{"Pods":[],"NumPDBViolations":0}}})");
  EXPECT_EQ(EncodePreemptionResult(*args, {false, false, false}),
            R"({"NodeNameToMetaVictims":{}})");
}

}  // namespace
}  // namespace pmem::extender
