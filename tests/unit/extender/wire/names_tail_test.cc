// SPDX-License-Identifier: Apache-2.0
#include "extender/wire/names_tail.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "extender/wire/extender_v1.h"
#include "tests/unit/extender/wire/wire_testing.h"

namespace pmem::extender {
namespace {

struct TailCase {
  const char* name;
  std::string_view body;
  std::string_view tail;
};
void PrintTo(const TailCase& c, std::ostream* os) { *os << c.name; }

class NamesTail : public testing::TestWithParam<TailCase> {};

TEST_P(NamesTail, IsFoundOnlyWhereTheBodyEndsWithPlainNames) {
  EXPECT_EQ(FindNamesTail(GetParam().body), GetParam().tail);
}

INSTANTIATE_TEST_SUITE_P(
    FindNamesTail, NamesTail,
    testing::Values(TailCase{"AsGoWritesIt", R"({"Pod":{},"NodeNames":["a","b"]})", R"(["a","b"])"},
                    TailCase{"ALineEndBehind", "{\"Pod\":{},\"NodeNames\":[\"a\"]}\n", R"(["a"])"},
                    TailCase{"NotLast", R"({"Pod":{},"NodeNames":["a"],"x":[]})", ""},
                    TailCase{"WholeNodes", R"({"Pod":{},"Nodes":{"items":[{}]},"NodeNames":null})",
                             ""},
                    TailCase{"AnotherKey", R"({"Pod":{},"XNodeNames":["a"]})", ""},
                    TailCase{"AKeyInAString", R"({"Pod":{"x":",\"NodeNames\":["a"]})", ""},
                    TailCase{"ABracketInAName", R"({"Pod":{},"NodeNames":["a]"]})", ""},
                    TailCase{"AListInTheList", R"({"Pod":{},"NodeNames":["a",["b"]]})", ""},
                    TailCase{"AnEscape", R"({"Pod":{},"NodeNames":["\u0061"]})", ""},
                    TailCase{"NotUtf8", "{\"Pod\":{},\"NodeNames\":[\"\xff\"]}", ""},
                    TailCase{"NoNames", R"({"Pod":{},"NodeNames":[]})", ""},
                    TailCase{"OnlyTheEnd", "]}", ""}, TailCase{"Empty", "", ""}),
    CaseName);

TEST(WithoutNames, IsTheBodyWithAnEmptyListAndPutsTheNamesBack) {
  const std::string sent = R"({"Pod":{},"NodeNames":["a"]})";
  std::string body = sent;
  {
    const WithoutNames cut(body, FindNamesTail(body));
    EXPECT_EQ(body.substr(0, cut.size()), R"({"Pod":{},"NodeNames":[]})");
  }
  EXPECT_EQ(body, sent);
}

// What a body says must not depend on whether the quick way is taken for its names.
// The byte behind the cut was read, and more behind that.
TEST(WithoutNames, LeavesNothingToReadBehindTheCut) {
  for (const char* json : {R"({"NodeNames":["z","NodeNames":["","b"]})",
                           R"({"Pod":{},"NodeNames":["z","NodeNames":["a,b"]})"}) {
    std::string body = json;
    EXPECT_FALSE(ExtenderDecoder().DecodeArgs(body, ReadCandidates::kAlways).ok()) << json;
    EXPECT_EQ(body, json);
  }
}

class AnyNames : public testing::TestWithParam<const char*> {};

TEST_P(AnyNames, AreReadAlikeWhetherTheyEndTheBodyOrNot) {
  for (const char* pod : {"{}", R"({"spec":{"volumes":[{"persistentVolumeClaim":{}}]}})"}) {
    const std::string start = absl::StrCat(R"({"Pod":)", pod, R"(,"NodeNames":)", GetParam());
    std::string at_end = start + "}";
    std::string before = start + R"(,"x":0})";
    ExtenderDecoder decoder;
    const auto quick = decoder.DecodeArgs(at_end, ReadCandidates::kAlways);
    const auto slow = decoder.DecodeArgs(before, ReadCandidates::kAlways);
    EXPECT_EQ(at_end, start + "}");
    ASSERT_EQ(quick.status().code(), slow.status().code()) << quick.status() << slow.status();
    if (!quick.ok()) continue;
    EXPECT_EQ(quick->candidates.names, slow->candidates.names);
    EXPECT_EQ(quick->candidates.raw, slow->candidates.raw);
    EXPECT_EQ(quick->pod, slow->pod);
  }
}

INSTANTIATE_TEST_SUITE_P(DecodeArgs, AnyNames,
                         testing::Values(R"(["a"])", R"(["a","b"])", R"( [ "a" , "b" ] )", "[]",
                                         R"(["\u0061"])", R"(["a]"])", R"(["a[","b"])",
                                         R"(["a{","}"])", R"([""])", R"(["a",])", R"([,])",
                                         R"(["a" "b"])", R"(["a"}])", R"([1])", R"([null])",
                                         R"([["a"]])", "[\"a\tb\"]", "[\"\xff\"]", "[\"\xc3\xa9\"]",
                                         R"(["a)", R"("a")", "null"));

}  // namespace
}  // namespace pmem::extender
