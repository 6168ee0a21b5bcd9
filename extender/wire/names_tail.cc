// SPDX-License-Identifier: Apache-2.0
#include "extender/wire/names_tail.h"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "extender/wire/extender_v1.h"
#include "extender/wire/json_walk.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace pmem::extender {
namespace {

// Between strings no quote is part of one, and inside of a string a quote has a backslash before
// it: so this is a key and its colon wherever it stands.
constexpr std::string_view kKey = R"(,"NodeNames":)";

// Fewer bytes than a name of a cluster takes with its quotes and comma: what a list is expected to
// hold, so that its names are not moved again and again while it is read.
constexpr size_t kNameBytesExpected = 16;

constexpr const char* kEnd = "]}";

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool Has(std::string_view text, char c) {
  return std::memchr(text.data(), c, text.size()) != nullptr;
}

bool IsSpecial(unsigned char c) { return c == '"' || c < 0x20; }

// Where the first quote or control character stands; `end`: there is none. A call of memchr for
// each short name, and a look at all of them for control characters, takes longer.
const char* FindSpecial(const char* at, const char* end) {
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8('"'), last_control = _mm_set1_epi8(0x1f);
  constexpr auto kBlock = static_cast<ptrdiff_t>(sizeof(__m128i));
  for (; end - at >= kBlock; at += kBlock) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i is_control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
    const __m128i is_special = _mm_or_si128(is_control, _mm_cmpeq_epi8(bytes, quote));
    const int found = _mm_movemask_epi8(is_special);
    if (found != 0) return at + std::countr_zero(static_cast<unsigned>(found));
  }
#endif
  return std::find_if(at, end, IsSpecial);
}

}  // namespace

std::string_view FindNamesTail(std::string_view body) {
  const std::string_view whole = json_walk::TrimRight(body);
  if (!whole.ends_with("]}")) return {};
  const auto* open = static_cast<const char*>(::memrchr(whole.data(), '[', whole.size()));
  if (open == nullptr) return {};
  const auto begin = static_cast<size_t>(open - whole.data());
  if (!whole.substr(0, begin).ends_with(kKey)) return {};
  const std::string_view tail = whole.substr(begin, whole.size() - begin - 1);
  const std::string_view inside = tail.substr(1, tail.size() - 2);
  if (inside.empty() || Has(inside, ']') || Has(inside, '\\')) return {};
  return simdjson::validate_utf8(inside.data(), inside.size()) ? tail : std::string_view();
}

bool ReadPlainNames(std::string_view json, std::vector<std::string_view>& names) {
  if (json.size() < 2 || Has(json, '\\')) return false;
  names.reserve(std::min(json.size() / kNameBytesExpected, kNodesPerRequestMax));
  const char* at = json.data() + 1;
  const char* const end = json.data() + json.size();
  const auto skip_spaces = [&at, end] {
    while (at < end && IsSpace(*at)) ++at;
  };
  for (skip_spaces(); at < end && *at == '"'; skip_spaces()) {
    const char* begin = ++at;
    at = FindSpecial(at, end);
    if (at == end || *at != '"') return false;
    const std::string_view name(begin, static_cast<size_t>(at - begin));
    if (name.empty() || name.size() > kNodeNameBytesMax) return false;
    if (names.size() == kNodesPerRequestMax) return false;
    names.push_back(name);
    ++at;
    skip_spaces();
    if (at == end || *at != ',') return at + 1 == end && *at == ']';
    ++at;
  }
  return names.empty() && at + 1 == end && *at == ']';
}

WithoutNames::WithoutNames(std::string& body, std::string_view tail)
    : at_(body.data() + (tail.data() - body.data()) + 1),
      size_(static_cast<size_t>(at_ - body.data()) + std::strlen(kEnd)),
      kept_{at_[0], at_[1], at_[2]} {
  // simdjson looks at the byte behind the text, too.
  std::memcpy(at_, kEnd, sizeof(kept_));
}

WithoutNames::~WithoutNames() { std::memcpy(at_, kept_, sizeof(kept_)); }

}  // namespace pmem::extender
