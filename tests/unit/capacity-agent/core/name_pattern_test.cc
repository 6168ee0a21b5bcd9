// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/core/name_pattern.h"

#include <gtest/gtest.h>

#include <string>

namespace pmem::agent {
namespace {

struct PatternCase {
  const char* name;
  std::string text;
  std::string pattern;
  bool matches;
  friend void PrintTo(const PatternCase& c, std::ostream* out) { *out << c.name; }
};

class Pattern : public testing::TestWithParam<PatternCase> {};

TEST_P(Pattern, CoversTheWholeNameOrNothing) {
  EXPECT_EQ(MatchesPattern(GetParam().text, GetParam().pattern), GetParam().matches);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, Pattern,
    testing::Values(PatternCase{"Exact", "region0", "region0", true},
                    PatternCase{"Prefix", "pmemvgregion0", "pmemvgregion*", true},
                    PatternCase{"PrefixAlone", "pmemvgregion", "pmemvgregion*", true},
                    PatternCase{"OtherPrefix", "vg0", "pmemvgregion*", false},
                    PatternCase{"Inside", "apmemvgregion0", "pmemvgregion*", false},
                    PatternCase{"NotTheEnd", "region01", "region0", false},
                    PatternCase{"OneCharacter", "region1", "region?", true},
                    PatternCase{"TwoCharacters", "region10", "region?", false},
                    PatternCase{"StarsBacktrack", "abcabd", "*ab?", true},
                    PatternCase{"StarInTheMiddle", "a-b-c", "a*c", true},
                    PatternCase{"EmptyName", "", "*", true},
                    PatternCase{"EmptyPattern", "a", "", false},
                    PatternCase{"BothEmpty", "", "", true},
                    PatternCase{"LongAndHostile", std::string(5000, 'a'), "*a*a*a*a*a*a*a*b",
                                false}),
    [](const auto& row) { return row.param.name; });

TEST(NamePatterns, AListCoversWhatOneOfItsPatternsCovers) {
  const NamePatterns patterns(",region1,,pmem*,");
  EXPECT_EQ(patterns.patterns(), (std::vector<std::string>{"region1", "pmem*"}));
  EXPECT_TRUE(patterns.Cover("region1"));
  EXPECT_TRUE(patterns.Cover("pmem7"));
  EXPECT_FALSE(patterns.Cover("region0"));
  EXPECT_FALSE(NamePatterns("").Cover("region0"));
}

}  // namespace
}  // namespace pmem::agent
