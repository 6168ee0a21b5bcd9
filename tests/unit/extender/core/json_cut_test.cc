// SPDX-License-Identifier: Apache-2.0
#include "extender/core/json_cut.h"

#include <gtest/gtest.h>

#include <ostream>

namespace pmem::extender {
namespace {

struct Case {
  const char* name;
  const char* json;
  const char* expected;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.json; }

class Cut : public testing::TestWithParam<Case> {};

TEST_P(Cut, LeavesOutTheElements) {
  EXPECT_EQ(WithoutArrays(GetParam().json, "x"), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    JsonCut, Cut,
    testing::Values(
        Case{"Nothing", R"({"a":[1]})", R"({"a":[1]})"},
        Case{"Empty", R"({"x":[]})", R"({"x":[]})"},
        Case{"OneOfThree", R"({"a":[1],"x":[1,2],"b":[3]})", R"({"a":[1],"x":[],"b":[3]})"},
        Case{"Nested", R"({"x":[[1],{"x":[2]}],"b":1})", R"({"x":[],"b":1})"},
        Case{"Twice", R"([{"x":[1]},{"x":[2]}])", R"([{"x":[]},{"x":[]}])"},
        Case{"BracketsInStrings", R"({"x":["]","[","\"]","\\"],"b":1})", R"({"x":[],"b":1})"},
        Case{"InsideOfAString", R"({"a":"{\"x\":[1]}"})", R"({"a":"{\"x\":[1]}"})"},
        Case{"LongerName", R"({"xx":[1],"ax":[1]})", R"({"xx":[1],"ax":[1]})"},
        Case{"NoArray", R"({"x":{"y":[1]}})", R"({"x":{"y":[1]}})"},
        Case{"WhiteSpaceStays", R"({"x": [1]})", R"({"x": [1]})"},
        Case{"NotClosed", R"({"x":[1)", R"({"x":[1)"},
        Case{"StringNotClosed", R"({"x":["a\)", R"({"x":["a\)"}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace pmem::extender
