// SPDX-License-Identifier: Apache-2.0
#include "common/pure/json_reader.h"

#include <gtest/gtest.h>

#include <string>

namespace pmem {
namespace {

struct MalformedCase {
  const char* name;
  std::string text;
  JsonLimits limits = {};
  absl::StatusCode code = absl::StatusCode::kInvalidArgument;
  friend void PrintTo(const MalformedCase& c, std::ostream* out) { *out << c.name; }
};

class JsonDocumentMalformed : public testing::TestWithParam<MalformedCase> {};

TEST_P(JsonDocumentMalformed, IsAnErrorAndNeverAnException) {
  const auto document = JsonDocument::Parse(GetParam().text, GetParam().limits);
  EXPECT_EQ(document.status().code(), GetParam().code) << document.status();
}

TEST(JsonDocument, ATextThatIsNowhereIsMalformed) {
  EXPECT_EQ(JsonDocument::Parse(std::string_view()).status().code(),
            absl::StatusCode::kInvalidArgument);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, JsonDocumentMalformed,
    testing::Values(MalformedCase{.name = "Empty", .text = ""},
                    MalformedCase{.name = "Space", .text = "  \n"},
                    MalformedCase{.name = "Word", .text = "nul"},
                    MalformedCase{.name = "TruncatedObject", .text = R"({"a":1)"},
                    MalformedCase{.name = "TruncatedString", .text = R"({"a":"b)"},
                    MalformedCase{.name = "TrailingText", .text = "{} x"},
                    MalformedCase{.name = "TrailingComma", .text = "[1,]"},
                    MalformedCase{.name = "SingleQuotes", .text = "{'a':1}"},
                    MalformedCase{.name = "ClosesTooOften", .text = "]]]]"},
                    MalformedCase{.name = "BadUtf8", .text = "[\"\xC3\x28\"]"},
                    MalformedCase{.name = "BadUtf8InKey", .text = "{\"\xFF\":1}"},
                    MalformedCase{.name = "Overlong", .text = "[\"\xC0\xAF\"]"},
                    MalformedCase{.name = "LoneSurrogate", .text = R"(["\ud800"])"},
                    MalformedCase{.name = "LowSurrogateFirst", .text = R"(["\udc00\ud800"])"},
                    MalformedCase{.name = "SurrogateAsUtf8", .text = "[\"\xED\xA0\x80\"]"},
                    MalformedCase{.name = "AboveUnicode", .text = "[\"\xF4\x90\x80\x80\"]"},
                    MalformedCase{.name = "Utf16", .text = std::string("\xFF\xFE[\0]\0", 6)},
                    MalformedCase{.name = "NumberBeyondDouble", .text = "1e999"},
                    MalformedCase{.name = "LeadingZero", .text = "01"},
                    MalformedCase{.name = "Plus", .text = "+1"},
                    MalformedCase{.name = "NulByte", .text = std::string("[1]\0", 4) + "x"},
                    MalformedCase{.name = "TooDeep",
                                  .text = "[[[]]]",
                                  .limits = {.depth_max = 2},
                                  .code = absl::StatusCode::kResourceExhausted},
                    MalformedCase{.name = "TooDeepByDefault",
                                  .text = std::string(100000, '['),
                                  .code = absl::StatusCode::kResourceExhausted},
                    MalformedCase{.name = "TooManyValues",
                                  .text = "[1,2,3]",
                                  .limits = {.values_max = 3},
                                  .code = absl::StatusCode::kResourceExhausted},
                    MalformedCase{.name = "TooManyBytes",
                                  .text = "[1,2,3]",
                                  .limits = {.bytes_max = 6},
                                  .code = absl::StatusCode::kResourceExhausted}),
    [](const auto& row) { return row.param.name; });

TEST(JsonDocument, LimitsAreInclusiveAndIgnoreBracketsInStrings) {
  const JsonLimits limits = {.bytes_max = 12, .depth_max = 1, .values_max = 2};
  EXPECT_TRUE(JsonDocument::Parse(R"(["[[[,\",,"])", limits).ok());
}

TEST(JsonDocument, ValuesOutliveAMoveOfTheirDocument) {
  JsonDocument document = *JsonDocument::Parse(R"({"a":"x"})");
  const JsonValue root = document.root();
  const JsonDocument moved = std::move(document);
  EXPECT_EQ(*root.String("a"), "x");
}

struct IntCase {
  const char* name;
  const char* text;
  const char* message;  // Empty: it is read.
  int64_t value = 0;
  int64_t min = INT64_MIN;
  int64_t max = INT64_MAX;
  friend void PrintTo(const IntCase& c, std::ostream* out) { *out << c.name; }
};

class JsonInt : public testing::TestWithParam<IntCase> {};

TEST_P(JsonInt, IsReadExactlyOrRefused) {
  const IntCase& c = GetParam();
  const JsonDocument document = *JsonDocument::Parse(c.text);
  const auto number = document.root().AsInt(c.min, c.max);
  EXPECT_EQ(number.status().message(), absl::string_view(c.message));
  if (number.ok()) {
    EXPECT_EQ(*number, c.value);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Rows, JsonInt,
    testing::Values(
        IntCase{"Zero", "0", "", 0}, IntCase{"Negative", "-7", "", -7},
        IntCase{"NegativeZero", "-0", "", 0}, IntCase{"BehindAMark", "\xEF\xBB\xBF 5", "", 5},
        IntCase{"Largest", "9223372036854775807", "", INT64_MAX},
        IntCase{"Smallest", "-9223372036854775808", "", INT64_MIN},
        IntCase{"AboveInt64", "9223372036854775808",
                "(root): 9223372036854775808 is not in -9223372036854775808..9223372036854775807"},
        IntCase{"AboveUint64", "18446744073709551616",
                "(root): 18446744073709551616 is not in -9223372036854775808..9223372036854775807"},
        IntCase{"BelowRange", "-1", "(root): -1 is not in 0..9", 0, 0, 9},
        IntCase{"AboveRange", "10", "(root): 10 is not in 0..9", 0, 0, 9},
        IntCase{"Fraction", "1.9", "(root): 1.9 is not an integer"},
        IntCase{"NegativeZeroFraction", "-0.0", "(root): -0.0 is not an integer"},
        IntCase{"Exponent", "1e3", "(root): 1e3 is not an integer"},
        IntCase{"WholeFraction", "1.0", "(root): 1.0 is not an integer"},
        IntCase{"Text", "\"1\"", "(root): \"1\" is not an integer"},
        IntCase{"Null", "null", "(root): null is not an integer"},
        IntCase{"Object", "{}", "(root): an object is not an integer"}),
    [](const auto& row) { return row.param.name; });

class JsonObject : public testing::Test {
 protected:
  const JsonDocument document_ = *JsonDocument::Parse(
      R"({"text":"t","number":5,"flag":true,"none":null,"list":[1,{"deep":"x"}],
          "twice":1,"twice":2})");
  const JsonValue root_ = document_.root();
};

TEST_F(JsonObject, GivesItsMembersByType) {
  EXPECT_EQ(*root_.String("text"), "t");
  EXPECT_EQ(*root_.Int("number", 0, 5), 5);
  EXPECT_EQ(*root_.Bool("flag"), true);
  EXPECT_EQ(root_.Array("list")->size(), 2u);
  EXPECT_EQ(*root_.Array("list")->at(1).String("deep"), "x");
}

TEST_F(JsonObject, NullIsAbsent) {
  EXPECT_EQ(*root_.OptionalString("none"), std::nullopt);
  EXPECT_EQ(*root_.OptionalInt("none"), std::nullopt);
  EXPECT_EQ(*root_.OptionalBool("absent"), std::nullopt);
  EXPECT_TRUE(root_.OptionalArray("absent")->empty());
  EXPECT_EQ(root_.String("none").status().message(), "none: missing");
  EXPECT_EQ(root_.AsObject()->size(), 5u);
}

TEST_F(JsonObject, TheLastOfTwoMembersCounts) { EXPECT_EQ(*root_.Int("twice"), 2); }

TEST_F(JsonObject, ErrorsCarryThePath) {
  const JsonValue deep = root_.Array("list")->at(1);
  EXPECT_EQ(deep.Int("deep").status(),
            absl::InvalidArgumentError("list[1].deep: \"x\" is not an integer"));
  EXPECT_EQ(deep.Int("other").status(), absl::InvalidArgumentError("list[1].other: missing"));
  EXPECT_EQ(root_.OptionalString("flag").status(),
            absl::InvalidArgumentError("flag: true is not a string"));
  EXPECT_EQ(root_.OptionalArray("text").status(),
            absl::InvalidArgumentError("text: \"t\" is not an array"));
  EXPECT_EQ(root_.Array("list", 1).status(),
            absl::ResourceExhaustedError("list: 2 elements, at most 1"));
}

TEST_F(JsonObject, AMemberOfAScalarIsAnError) {
  const JsonValue text = *root_.Member("text");
  EXPECT_EQ(text.OptionalInt("x").status(),
            absl::InvalidArgumentError("text: \"t\" is not an object"));
  EXPECT_EQ(text.AsObject().status(), absl::InvalidArgumentError("text: \"t\" is not an object"));
}

TEST_F(JsonObject, DumpsAsOneLine) {
  EXPECT_EQ(root_.Member("list")->Dump(), R"([1,{"deep":"x"}])");
}

TEST(JsonValue, LongTextIsCutInErrors) {
  const JsonDocument document = *JsonDocument::Parse("\"" + std::string(5000, 'x') + "\"");
  EXPECT_EQ(document.root().AsInt().status().message(),
            "(root): \"" + std::string(39, 'x') + "... is not an integer");
}

}  // namespace
}  // namespace pmem
