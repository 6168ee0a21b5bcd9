// SPDX-License-Identifier: Apache-2.0
// Our tree beside that of nlohmann/json: the same texts are taken, and mean the same.
#include "common/pure/json_tree.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>

namespace pmem {
namespace {

using nlohmann::json;

constexpr const char* kSeeds[] = {
    R"({"a":[1,-2,{"b":null,"c":[true,false]}],"d":"x\n\u00e9\ud83d\ude00\"\\\/","e":{}})",
    R"([[],{},[[]],{"":{"":[]}},"",0,-0,10,123456789012345678901,1.5,-2e10,3E-7,1e+2])",
    R"( {"twice" : 1 , "twice" : {"x":2}, "other" : [ 1 , 2 ] } )",
    "\"\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\"",
    R"({"kind":"Node","metadata":{"name":"n","labels":{"k":"v"},"managedFields":[{"f":{}}]}})",
};

bool HoldsTheSame(const JsonTree& tree, uint32_t index, const json& expected);

bool HoldsTheSameMembers(const JsonTree& tree, uint32_t index, const json& expected) {
  const auto members = tree.Members(index);
  if (members.size() != expected.size()) return false;
  for (const auto& [name, value] : members) {
    const auto found = expected.find(name);
    if (found == expected.end() || !HoldsTheSame(tree, value, *found)) return false;
    if (tree.FindMember(index, name) != value) return false;
  }
  return true;
}

bool HoldsTheSameElements(const JsonTree& tree, uint32_t index, const json& expected) {
  uint32_t at = index + 1;
  for (const json& element : expected) {
    if (at >= tree.node(index).next || !HoldsTheSame(tree, at, element)) return false;
    at = tree.node(at).next;
  }
  return at == tree.node(index).next && tree.node(index).size == expected.size();
}

bool HoldsTheSame(const JsonTree& tree, uint32_t index, const json& expected) {
  const JsonNode& node = tree.node(index);
  switch (node.kind) {
    case JsonKind::kNull:
      return expected.is_null();
    case JsonKind::kTrue:
      return expected.is_boolean() && expected.get<bool>();
    case JsonKind::kFalse:
      return expected.is_boolean() && !expected.get<bool>();
    case JsonKind::kInteger:
    case JsonKind::kFraction:
      return expected.is_number() && json::parse(node.text()) == expected;
    case JsonKind::kString:
      return expected.is_string() && expected.get_ref<const std::string&>() == node.text();
    case JsonKind::kArray:
      return expected.is_array() && HoldsTheSameElements(tree, index, expected);
    case JsonKind::kObject:
      return expected.is_object() && HoldsTheSameMembers(tree, index, expected);
  }
  return false;
}

void ExpectTheSame(const std::string& text) {
  const auto tree = JsonTree::Parse(text, JsonLimits());
  // It takes a NUL for the end of the text, and has no infinite numbers.
  const json expected = text.find('\0') == std::string::npos
                            ? json::parse(text, nullptr, /*allow_exceptions=*/false)
                            : json(json::value_t::discarded);
  ASSERT_EQ(tree.ok(), !expected.is_discarded()) << text << "\n" << tree.status();
  if (!tree.ok()) return;
  EXPECT_TRUE(HoldsTheSame(**tree, 0, expected)) << text;
  std::string dumped;
  (*tree)->Dump(0, &dumped);
  EXPECT_EQ(json::parse(dumped), expected) << dumped;
}

// Some bytes changed, taken out or put in.
std::string Changed(std::string text, std::mt19937& random) {
  constexpr std::string_view kBytes = "{}[]\",:\\u0123456789abdeEfnrtl+-. \n\x01\x80\xC3\xED\xF0\0";
  const auto below = [&random](size_t n) { return random() % n; };
  for (size_t changes = 1 + below(3); changes > 0 && !text.empty(); --changes) {
    const char byte = kBytes[below(kBytes.size())];
    const size_t at = below(text.size());
    const size_t how = below(3);
    if (how == 0) text[at] = byte;
    if (how == 1) text.erase(at, 1 + below(4));
    if (how == 2) text.insert(at, 1, byte);
  }
  return text;
}

TEST(JsonTree, TakesAndMeansWhatNlohmannDoes) {
  for (const char* seed : kSeeds) ExpectTheSame(seed);
}

TEST(JsonTree, TakesAndMeansWhatNlohmannDoesWhenTextsAreBroken) {
  std::mt19937 random(20261126);
  int taken = 0;
  for (int round = 0; round < 20'000 && !HasFatalFailure(); ++round) {
    const std::string text = Changed(kSeeds[random() % std::size(kSeeds)], random);
    ExpectTheSame(text);
    taken += JsonTree::Parse(text, JsonLimits()).ok() ? 1 : 0;
  }
  EXPECT_GT(taken, 1'000);
  EXPECT_LT(taken, 19'000);
}

TEST(JsonTree, EveryStartOfATextIsRefused) {
  for (const char* seed : kSeeds) {
    const std::string text(seed);
    const size_t end = text.find_last_not_of(' ');
    for (size_t size = 0; size < end; ++size) {
      EXPECT_FALSE(JsonTree::Parse(text.substr(0, size), JsonLimits()).ok()) << size << " " << text;
    }
  }
}

TEST(JsonTree, KnowsWhereAValueIs) {
  const auto tree = JsonTree::Parse(R"({"a":[1,{"b":[[2]]}],"c":{"d":3}})", JsonLimits());
  const uint32_t list = (*tree)->FindMember(0, "a");
  const uint32_t object = (*tree)->node(list + 1).next;
  EXPECT_EQ((*tree)->PathOf(0), "");
  EXPECT_EQ((*tree)->PathOf(list), "a");
  EXPECT_EQ((*tree)->PathOf(object), "a[1]");
  EXPECT_EQ((*tree)->PathOf((*tree)->FindMember(object, "b") + 2), "a[1].b[0][0]");
  EXPECT_EQ((*tree)->PathOf((*tree)->FindMember((*tree)->FindMember(0, "c"), "d")), "c.d");
}

}  // namespace
}  // namespace pmem
