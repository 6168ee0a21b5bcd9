// SPDX-License-Identifier: Apache-2.0
// Bytes that are not ExtenderArgs: every row says what and where, and the decoder goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "extender/wire/extender_v1.h"
#include "tests/unit/extender/wire/wire_testing.h"

namespace pmem::extender {
namespace {

using ::testing::HasSubstr;

std::string Repeat(std::string_view text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out.append(text);
  return out;
}

struct BadCase {
  const char* name;
  std::string body;
  const char* message;
  absl::StatusCode code = absl::StatusCode::kInvalidArgument;
};
void PrintTo(const BadCase& c, std::ostream* os) { *os << c.name; }

class BadArgs : public testing::TestWithParam<BadCase> {};

TEST_P(BadArgs, AreRefusedAndTheNextBodyIsRead) {
  ExtenderDecoder decoder;
  std::string body = GetParam().body;
  const auto args = decoder.DecodeArgs(body, ReadCandidates::kAlways);
  EXPECT_EQ(args.status().code(), GetParam().code);
  EXPECT_THAT(std::string(args.status().message()), HasSubstr(GetParam().message));
  std::string good = Captured("filter-names-1-nominated.json");
  EXPECT_TRUE(decoder.DecodeArgs(good, ReadCandidates::kAlways).ok());
}

constexpr auto kPastLimit = absl::StatusCode::kResourceExhausted;
const std::string kNamesLimit = std::to_string(kNodesPerRequestMax);

INSTANTIATE_TEST_SUITE_P(
    Malformed, BadArgs,
    testing::Values(
        BadCase{"Empty", "", "ExtenderArgs"}, BadCase{"NotJson", "hello", "ExtenderArgs"},
        BadCase{"Null", "null", "ExtenderArgs"},
        BadCase{"Array", "[]", "ExtenderArgs: wanted an object"},
        BadCase{"Number", "7", "ExtenderArgs"},
        BadCase{"OpenObject", R"({"Pod":{},"NodeNames":["n1"])", "malformed JSON"},
        BadCase{"CutInAName", R"({"Pod":{},"NodeNames":["n1","n)", "malformed JSON"},
        BadCase{"CutInThePod", R"({"Pod":{"metadata":{"name":"p")", "malformed JSON"},
        BadCase{"NotUtf8", "{\"Pod\":{},\"NodeNames\":[\"n\xff\"]}", "malformed JSON"},
        BadCase{"ControlCharacter", "{\"Pod\":{},\"NodeNames\":[\"n\n1\"]}", "malformed JSON"},
        BadCase{"BadEscape", R"({"Pod":{},"NodeNames":["n\x"]})",
                "NodeNames[0]: name: malformed JSON"},
        BadCase{"MissingColon", R"({"Pod" {},"NodeNames":["n1"]})", "malformed JSON"},
        BadCase{"MissingComma", R"({"Pod":{} "NodeNames":["n1"]})", "malformed JSON"},
        BadCase{"MissingCommaInNames", R"({"Pod":{},"NodeNames":["n1" "n2"]})", "malformed JSON"},
        BadCase{"TextBehindAName", R"({"Pod":{},"NodeNames":["n1"x]})", "malformed JSON"},
        BadCase{"NullThatIsNot", R"({"Pod":nul,"NodeNames":["n1"]})", "Pod: malformed JSON"},
        BadCase{"TwoValues", R"({"Pod":{},"NodeNames":["n1"]}{"Pod":{}})", "ExtenderArgs"},
        BadCase{"TextBehind", R"({"Pod":{},"NodeNames":["n1"]} x)", "ExtenderArgs"}),
    CaseName);

INSTANTIATE_TEST_SUITE_P(
    WrongTypes, BadArgs,
    testing::Values(
        BadCase{"NoPod", R"({"NodeNames":["n1"]})", "ExtenderArgs.Pod: wanted a pod"},
        BadCase{"NullPod", R"({"Pod":null,"NodeNames":["n1"]})", "ExtenderArgs.Pod: wanted a pod"},
        BadCase{"PodTakenBack", R"({"Pod":{},"pod":null,"NodeNames":["n1"]})", "wanted a pod"},
        BadCase{"NoNodes", R"({"Pod":{}})", "wanted Nodes or NodeNames"},
        BadCase{"NullNodes", R"({"Pod":{},"Nodes":null,"NodeNames":null})", "Nodes or NodeNames"},
        BadCase{"PodIsText", R"({"Pod":"p","NodeNames":["n1"]})", "Pod: wanted an object"},
        BadCase{"PodIsArray", R"({"Pod":[],"NodeNames":["n1"]})", "Pod: wanted an object"},
        BadCase{"NamesAreAnObject", R"({"Pod":{},"NodeNames":{}})", "NodeNames: wanted an array"},
        BadCase{"NameIsANumber", R"({"Pod":{},"NodeNames":["n1",2]})",
                "NodeNames[1]: name: wanted a string"},
        BadCase{"NameIsNull", R"({"Pod":{},"NodeNames":[null]})", "NodeNames[0]"},
        BadCase{"NameIsEmpty", R"({"Pod":{},"NodeNames":["n1",""]})", "NodeNames[1]"},
        BadCase{"NodesAreAnArray", R"({"Pod":{},"Nodes":[]})", "Nodes: wanted an object"},
        BadCase{"ItemsAreText", R"({"Pod":{},"Nodes":{"items":"x"}})",
                "Nodes.items: wanted an array"},
        BadCase{"NodeIsNull", R"({"Pod":{},"Nodes":{"items":[null]}})", "Nodes.items[0]"},
        BadCase{"NodeWithoutName", R"({"Pod":{},"Nodes":{"items":[{"metadata":{}}]}})",
                "Nodes.items[0]: metadata.name"},
        BadCase{"NodeWithoutMetadata", R"({"Pod":{},"Nodes":{"items":[{"spec":{}}]}})",
                "Nodes.items[0]: metadata.name"},
        BadCase{"ListMetadataIsText", R"({"Pod":{},"Nodes":{"metadata":"x","items":[]}})",
                "Nodes.metadata: wanted an object"},
        BadCase{"ListKindIsAnObject", R"({"Pod":{},"Nodes":{"kind":{},"items":[]}})",
                "Nodes.kind: wanted a string"}),
    CaseName);

INSTANTIATE_TEST_SUITE_P(
    Limits, BadArgs,
    testing::Values(
        BadCase{"LongName", R"({"Pod":{},"NodeNames":[")" + std::string(254, 'n') + "\"]}",
                "kNodeNameBytesMax = 253", kPastLimit},
        BadCase{"TooManyNames",
                R"({"Pod":{},"NodeNames":["n")" + Repeat(",\"n\"", kNodesPerRequestMax) + "]}",
                "kNodesPerRequestMax = 200000", kPastLimit},
        BadCase{"TooManyNodes",
                R"({"Pod":{},"Nodes":{"items":[{"metadata":{"name":"n"}})" +
                    Repeat(R"(,{"metadata":{"name":"n"}})", kNodesPerRequestMax) + "]}}",
                "kNodesPerRequestMax = 200000", kPastLimit},
        BadCase{
            "DeepPod",
            R"({"Pod":{"x":)" + Repeat("[", 128) + Repeat("]", 128) + R"(},"NodeNames":["n1"]})",
            "kPodDepthMax = 128", kPastLimit},
        BadCase{"TooManyVolumes",
                R"({"Pod":{"spec":{"volumes":[{})" + Repeat(",{}", kPodVolumesMax) +
                    R"(]}},"NodeNames":["n1"]})",
                "kPodVolumesMax = 4096", kPastLimit}),
    CaseName);

TEST(ExtenderDecoder, DepthOutsideThePodCostsNothing) {
  std::string body = R"({"Pod":{},"x":)" + Repeat("[", 1'000'000) + Repeat("]", 1'000'000) +
                     R"(,"NodeNames":["n1"]})";
  EXPECT_TRUE(ExtenderDecoder().DecodeArgs(body, ReadCandidates::kAlways).ok());
}

TEST(ExtenderDecoder, APodAtTheDepthLimitIsRead) {
  std::string body =
      R"({"Pod":{"x":)" + Repeat("[", 127) + Repeat("]", 127) + R"(},"NodeNames":["n1"]})";
  EXPECT_TRUE(ExtenderDecoder().DecodeArgs(body, ReadCandidates::kAlways).ok());
}

// Cut anywhere: refused, and nothing is read past the end.
TEST(ExtenderDecoder, EveryPrefixOfACapturedBodyIsRefused) {
  ExtenderDecoder decoder;
  const std::string whole = Captured("filter-names-1-nominated.json");
  const size_t end = whole.rfind('}');
  for (size_t size = 0; size <= end; ++size) {
    std::string body = whole.substr(0, size);
    EXPECT_EQ(decoder.DecodeArgs(body, ReadCandidates::kAlways).status().code(),
              absl::StatusCode::kInvalidArgument)
        << size;
  }
}

}  // namespace
}  // namespace pmem::extender
