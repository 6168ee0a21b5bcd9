// SPDX-License-Identifier: Apache-2.0
#include "common/pure/quantity.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "common/pure/units.h"

namespace pmem {
namespace {

struct GoodCase {
  const char* name;
  const char* text;
  int64_t bytes;
  int64_t milli = -1;  // Not looked at.
};

void PrintTo(const GoodCase& c, std::ostream* os) { *os << c.text; }

class QuantityGood : public ::testing::TestWithParam<GoodCase> {};

TEST_P(QuantityGood, IsExactAndRoundsUp) {
  const GoodCase& c = GetParam();
  const absl::StatusOr<int64_t> bytes = QuantityToBytes(c.text);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_EQ(*bytes, c.bytes);
  if (c.milli >= 0) {
    EXPECT_EQ(*QuantityToMilli(c.text), c.milli);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Texts, QuantityGood,
    ::testing::Values(
        GoodCase{"Zero", "0", 0, 0}, GoodCase{"ZeroWithSuffix", "0Gi", 0, 0},
        GoodCase{"MinusZero", "-0", 0, 0}, GoodCase{"ZeroWithHugeExponent", "0e999999999", 0, 0},
        GoodCase{"Plain", "1024", 1024, 1024000}, GoodCase{"Signed", "+7", 7, 7000},
        GoodCase{"LeadingZeros", "000010", 10, 10000}, GoodCase{"TrailingPoint", "3.", 3, 3000},
        GoodCase{"LeadingPoint", ".5Ki", 512}, GoodCase{"FractionRoundsUp", "0.1", 1, 100},
        GoodCase{"Nano", "1n", 1, 1}, GoodCase{"NanoWhole", "2000000000n", 2, 2000},
        GoodCase{"Micro", "1500000u", 2, 1500}, GoodCase{"Milli", "250m", 1, 250},
        GoodCase{"MilliFraction", "0.5m", 1, 1}, GoodCase{"Kilo", "5k", 5000, 5000000},
        GoodCase{"Mega", "5M", 5000000}, GoodCase{"Giga", "1.5G", 1500000000},
        GoodCase{"Tera", "2T", 2000000000000}, GoodCase{"Peta", "1P", 1000000000000000},
        GoodCase{"Exa", "4E", 4000000000000000000}, GoodCase{"Kibi", "1Ki", kKiB},
        GoodCase{"Mebi", "3Mi", 3 * kMiB}, GoodCase{"Gibi", "10Gi", 10 * kGiB},
        GoodCase{"Tebi", "1.5Ti", kTiB + kTiB / 2}, GoodCase{"Pebi", "1Pi", 1024 * kTiB},
        GoodCase{"Exbi", "1Ei", 1024 * 1024 * kTiB}, GoodCase{"Largest", "4Ei", kBytesMax},
        GoodCase{"LargestAsNumber", "4611686018427387904", kBytesMax},
        GoodCase{"Exponent", "12e3", 12000}, GoodCase{"ExponentCapital", "12E3", 12000},
        GoodCase{"ExponentPlus", "1e+2", 100}, GoodCase{"ExponentMinus", "12345e-2", 124, 123450},
        GoodCase{"ExponentFarBelow", "1e-2000000", 1, 1},
        GoodCase{"NotADouble", "9007199254740993", 9007199254740993},
        GoodCase{"BinaryFractionExact", "0.3Gi", 322122548},
        GoodCase{"BinaryFractionOneAbove", "1.0000000000000000000000000001Ki", 1025}),
    [](const auto& test) { return std::string(test.param.name); });

struct BadCase {
  const char* name;
  const char* text;
  absl::StatusCode code = absl::StatusCode::kInvalidArgument;
};

void PrintTo(const BadCase& c, std::ostream* os) { *os << c.text; }

class QuantityBad : public ::testing::TestWithParam<BadCase> {};

TEST_P(QuantityBad, IsRefused) {
  EXPECT_EQ(QuantityToBytes(GetParam().text).status().code(), GetParam().code);
}

INSTANTIATE_TEST_SUITE_P(
    Texts, QuantityBad,
    ::testing::Values(
        BadCase{"Empty", ""}, BadCase{"Sign", "-"}, BadCase{"Point", "."}, BadCase{"Word", "big"},
        BadCase{"SuffixOnly", "Gi"}, BadCase{"Negative", "-1Gi"}, BadCase{"NegativeTiny", "-1n"},
        BadCase{"CapitalK", "1K"}, BadCase{"SmallKibi", "1ki"}, BadCase{"Bytes", "1GB"},
        BadCase{"SpaceInside", "1 Gi"}, BadCase{"SpaceAfter", "1Gi "}, BadCase{"TwoSigns", "--1"},
        BadCase{"TwoPoints", "1.2.3"}, BadCase{"BareE", "1e"}, BadCase{"ExponentSignOnly", "1e+"},
        BadCase{"ExponentFraction", "1e1.5"}, BadCase{"ExponentAndSuffix", "1e3Ki"},
        BadCase{"ExponentTooLong", "1e99999999999"}, BadCase{"Hex", "0x10"},
        BadCase{"OneAbove", "4611686018427387905", absl::StatusCode::kOutOfRange},
        BadCase{"FiveExbi", "5Ei", absl::StatusCode::kOutOfRange},
        BadCase{"EightExa", "8E", absl::StatusCode::kOutOfRange},
        BadCase{"JustAboveByFraction", "4611686018427387904.5", absl::StatusCode::kOutOfRange},
        BadCase{"FarAbove", "1e2000000000", absl::StatusCode::kOutOfRange}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Quantity, TextIsBounded) {
  EXPECT_EQ(*QuantityToBytes(std::string(kQuantityTextMax - 1, '0') + "7"), 7);
  EXPECT_EQ(QuantityToBytes(std::string(kQuantityTextMax, '0') + "7").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(Quantity, ThousandthsOverflowEarlier) {
  EXPECT_TRUE(QuantityToBytes("4E").ok());
  EXPECT_EQ(QuantityToMilli("4E").status().code(), absl::StatusCode::kOutOfRange);
}

}  // namespace
}  // namespace pmem
