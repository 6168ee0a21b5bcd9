// SPDX-License-Identifier: Apache-2.0
#include "common/pure/quantity.h"

#include <array>
#include <charconv>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/pure/status_macros.h"
#include "common/pure/units.h"

namespace pmem {
namespace {

struct Suffix {
  std::string_view text;
  int decimal_exponent;
  int doublings;
};

constexpr std::array<Suffix, 16> kSuffixes = {{{"", 0, 0},
                                               {"n", -9, 0},
                                               {"u", -6, 0},
                                               {"m", -3, 0},
                                               {"k", 3, 0},
                                               {"M", 6, 0},
                                               {"G", 9, 0},
                                               {"T", 12, 0},
                                               {"P", 15, 0},
                                               {"E", 18, 0},
                                               {"Ki", 0, 10},
                                               {"Mi", 0, 20},
                                               {"Gi", 0, 30},
                                               {"Ti", 0, 40},
                                               {"Pi", 0, 50},
                                               {"Ei", 0, 60}}};

// digits * 10^exponent * 2^doublings; digits are 0..9 without leading zeros, empty means zero.
struct Decimal {
  std::string digits;
  int64_t exponent = 0;
  int doublings = 0;
  bool is_negative = false;
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string_view TakeDigits(std::string_view* text) {
  size_t n = 0;
  while (n < text->size() && IsDigit((*text)[n])) ++n;
  const std::string_view digits = text->substr(0, n);
  text->remove_prefix(n);
  return digits;
}

bool TakeSuffix(std::string_view text, Decimal* value) {
  for (const Suffix& suffix : kSuffixes) {
    if (suffix.text != text) continue;
    value->exponent += suffix.decimal_exponent;
    value->doublings = suffix.doublings;
    return true;
  }
  if (text.size() < 2 || (text[0] != 'e' && text[0] != 'E')) return false;
  text.remove_prefix(1);
  if (text[0] == '+') text.remove_prefix(1);
  int32_t exponent = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exponent);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  value->exponent += exponent;
  return true;
}

std::optional<Decimal> Parse(std::string_view text) {
  Decimal value;
  if (text.size() > kQuantityTextMax) return std::nullopt;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    value.is_negative = text[0] == '-';
    text.remove_prefix(1);
  }
  const std::string_view whole = TakeDigits(&text);
  std::string_view fraction;
  if (!text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    fraction = TakeDigits(&text);
  }
  if (whole.empty() && fraction.empty()) return std::nullopt;
  value.digits.append(whole).append(fraction);
  value.exponent = -static_cast<int64_t>(fraction.size());
  if (!TakeSuffix(text, &value)) return std::nullopt;
  value.digits.erase(0, value.digits.find_first_not_of('0'));
  return value;
}

void Double(std::string* digits) {
  int carry = 0;
  for (auto digit = digits->rbegin(); digit != digits->rend(); ++digit) {
    const int sum = (*digit - '0') * 2 + carry;
    *digit = static_cast<char>('0' + sum % 10);
    carry = sum / 10;
  }
  if (carry > 0) digits->insert(digits->begin(), '1');
}

// Rounded up; nullopt above kBytesMax.
std::optional<int64_t> Evaluate(Decimal value) {
  if (value.digits.empty()) return 0;
  for (int i = 0; i < value.doublings; ++i) Double(&value.digits);
  const int64_t digits_count = static_cast<int64_t>(value.digits.size());
  const int64_t whole_count = digits_count + value.exponent;
  int64_t result = 0;
  // Digits do not start with a zero, so this overflows, or ends, within 19 steps.
  for (int64_t i = 0; i < whole_count; ++i) {
    if (result > kBytesMax / 10) return std::nullopt;
    result = result * 10 + (i < digits_count ? value.digits[static_cast<size_t>(i)] - '0' : 0);
  }
  const size_t fraction_begin = whole_count > 0 ? static_cast<size_t>(whole_count) : 0;
  const bool rounds_up = whole_count < digits_count &&
                         value.digits.find_first_not_of('0', fraction_begin) != std::string::npos;
  if (rounds_up) ++result;
  if (result > kBytesMax) return std::nullopt;
  return result;
}

absl::StatusOr<int64_t> Convert(std::string_view text, int decimal_shift) {
  const auto quoted = [text] {
    return absl::StrCat("\"", std::string(text.substr(0, kQuantityTextMax)), "\"");
  };
  std::optional<Decimal> value = Parse(text);
  if (!value.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat(quoted(), " is not a quantity"));
  }
  if (value->is_negative && !value->digits.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("quantity ", quoted(), " is negative"));
  }
  value->exponent += decimal_shift;
  const std::optional<int64_t> result = Evaluate(*std::move(value));
  if (!result.has_value()) {
    return absl::OutOfRangeError(absl::StrCat("quantity ", quoted(), " is more than ", kBytesMax));
  }
  return *result;
}

}  // namespace

absl::StatusOr<int64_t> QuantityToBytes(std::string_view text) { return Convert(text, 0); }

absl::StatusOr<int64_t> QuantityToMilli(std::string_view text) { return Convert(text, 3); }

}  // namespace pmem
