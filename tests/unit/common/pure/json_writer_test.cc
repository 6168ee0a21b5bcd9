// SPDX-License-Identifier: Apache-2.0
#include "common/pure/json_writer.h"

#include <gtest/gtest.h>

#include <string>

#include "common/pure/json_reader.h"

namespace pmem {
namespace {

TEST(JsonWriter, WritesMembersInTheOrderOfTheCalls) {
  JsonWriter writer;
  writer.BeginObject().String("z", "1").Int("a", -2).Bool("b", false).Raw("r", "[0]");
  writer.Key("list").BeginArray().Int(1).BeginObject().EndObject().Null().String("x").EndArray();
  writer.Key("empty").BeginArray().EndArray().EndObject();
  EXPECT_EQ(writer.Take(),
            R"({"z":"1","a":-2,"b":false,"r":[0],"list":[1,{},null,"x"],"empty":[]})");
}

TEST(JsonWriter, WritesAScalarAlone) {
  JsonWriter writer;
  EXPECT_EQ(writer.Int(INT64_MIN).Take(), "-9223372036854775808");
}

struct QuoteCase {
  const char* name;
  std::string text;
  std::string quoted;
  friend void PrintTo(const QuoteCase& c, std::ostream* out) { *out << c.name; }
};

class JsonQuotedText : public testing::TestWithParam<QuoteCase> {};

TEST_P(JsonQuotedText, IsAlwaysValidJson) {
  EXPECT_EQ(JsonQuoted(GetParam().text), GetParam().quoted);
  EXPECT_TRUE(JsonDocument::Parse(GetParam().quoted).ok());
}

INSTANTIATE_TEST_SUITE_P(
    Rows, JsonQuotedText,
    testing::Values(
        QuoteCase{"Plain", "disk-1", "\"disk-1\""}, QuoteCase{"Empty", "", "\"\""},
        QuoteCase{"Escapes", "a\"b\\c\n\r\t", R"("a\"b\\c\n\r\t")"},
        QuoteCase{"Control", std::string("\0\x1f", 2), R"("\u0000\u001f")"},
        QuoteCase{"Utf8", "é€😀", "\"é€😀\""}, QuoteCase{"BadLead", "a\xFFz", "\"a\xEF\xBF\xBDz\""},
        QuoteCase{"LoneContinuation", "\x80", "\"\xEF\xBF\xBD\""},
        QuoteCase{"CutShort", "x\xE2\x82", "\"x\xEF\xBF\xBD\xEF\xBF\xBD\""},
        QuoteCase{"Overlong", "\xE0\x80\xAF", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        QuoteCase{"Surrogate", "\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        QuoteCase{"AboveUnicode", "\xF4\x90\x80\x80",
                  "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""}),
    [](const auto& row) { return row.param.name; });

TEST(JsonWriterDeathTest, AnOpenObjectIsOurBug) {
  JsonWriter writer;
  writer.BeginObject();
  EXPECT_DEATH(writer.Take(), "broken guarantee");
  EXPECT_DEATH(writer.Int(1), "broken guarantee");
}

}  // namespace
}  // namespace pmem
