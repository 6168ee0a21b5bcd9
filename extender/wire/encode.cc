// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cstring>

#include "common/pure/check.h"
#include "extender/wire/extender_v1.h"

namespace pmem::extender {
namespace {

bool NeedsEscape(char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; }

void AppendEscaped(std::string_view text, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  for (const char c : text) {
    if (!NeedsEscape(c)) {
      out.push_back(c);
    } else if (c == '"' || c == '\\') {
      out.append({'\\', c});
    } else {
      out.append({'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 0xf]});
    }
  }
}

// Eight bytes at a time: whether one is below 0x20, a quote or a backslash ("Bit Twiddling Hacks",
// "Determine if a word has a byte less than n"; bytes from 0x80 on may say yes wrongly).
bool MayNeedEscape(uint64_t word) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  const auto has_less = [](uint64_t x, uint64_t n) { return (x - kOnes * n) & (kOnes * 0x80); };
  const uint64_t found = has_less(word, 0x20) | has_less(word ^ (kOnes * '"'), 1) |
                         has_less(word ^ (kOnes * '\\'), 1) | (word & (kOnes * 0x80));
  return found != 0;
}

bool MayNeedEscapeAt(const char* at) {
  uint64_t word;
  std::memcpy(&word, at, sizeof(word));
  return MayNeedEscape(word);
}

bool NeedsEscape(std::string_view text) {
  constexpr size_t kWord = sizeof(uint64_t);
  if (text.size() >= kWord) {
    // The last word takes some bytes a second time, which costs less than one by one.
    bool may = MayNeedEscapeAt(text.data() + text.size() - kWord);
    for (size_t at = 0; !may && at + kWord <= text.size(); at += kWord) {
      may = MayNeedEscapeAt(text.data() + at);
    }
    if (!may) return false;
  }
  return std::any_of(text.begin(), text.end(), [](char c) { return NeedsEscape(c); });
}

void AppendString(std::string_view text, std::string& out) {
  out.push_back('"');
  if (NeedsEscape(text)) {
    AppendEscaped(text, out);
  } else {
    out.append(text);
  }
  out.push_back('"');
}

// The separator of a list's elements, nothing before the first.
class Comma {
 public:
  void Append(std::string& out) {
    if (!is_first_) out.push_back(',');
    is_first_ = false;
  }

 private:
  bool is_first_ = true;
};

bool Passes(std::span<const NodeAnswer> answers, size_t i) {
  return answers.empty() || answers[i].verdict == NodeVerdict::kPasses;
}

// No name was written with an escape: each is a view of the body, between its quotes.
bool HasPlainNames(const Candidates& candidates) {
  return !candidates.is_full && candidates.unescaped.empty();
}

// The passing names as they were sent, each unbroken run of them at once.
void AppendRuns(const std::vector<std::string_view>& names, std::span<const NodeAnswer> answers,
                std::string& out) {
  Comma comma;
  for (size_t i = 0; i < names.size(); ++i) {
    if (!Passes(answers, i)) continue;
    const char* begin = names[i].data() - 1;
    while (i + 1 < names.size() && Passes(answers, i + 1)) ++i;
    comma.Append(out);
    out.append(begin, names[i].data() + names[i].size() + 1);
  }
}

void AppendPassing(const Candidates& candidates, std::span<const NodeAnswer> answers,
                   std::string& out) {
  if (HasPlainNames(candidates)) return AppendRuns(candidates.names, answers, out);
  Comma comma;
  for (size_t i = 0; i < candidates.names.size(); ++i) {
    if (!Passes(answers, i)) continue;
    comma.Append(out);
    if (candidates.is_full) {
      out.append(candidates.nodes[i]);
    } else {
      AppendString(candidates.names[i], out);
    }
  }
}

void AppendNodes(const Candidates& candidates, std::span<const NodeAnswer> answers,
                 std::string& out) {
  if (candidates.is_full) {
    out.append("{\"Nodes\":{").append(candidates.list_head).append("\"items\":[");
    AppendPassing(candidates, answers, out);
    out.append("]},\"NodeNames\":null");
  } else {
    out.append("{\"Nodes\":null,\"NodeNames\":[");
    AppendPassing(candidates, answers, out);
    out.append("]");
  }
}

void AppendRefused(const Candidates& candidates, std::span<const NodeAnswer> answers,
                   NodeVerdict verdict, std::string& out) {
  out.push_back('{');
  Comma comma;
  for (size_t i = 0; i < answers.size(); ++i) {
    if (answers[i].verdict != verdict) continue;
    comma.Append(out);
    AppendString(candidates.names[i], out);
    out.push_back(':');
    AppendString(answers[i].reason, out);
  }
  out.push_back('}');
}

constexpr std::string_view kNoneRefused =
    ",\"FailedNodes\":{},\"FailedAndUnresolvableNodes\":{},\"Error\":";
constexpr size_t kFrameBytes = 256;  // The members around the lists.

// A little more than the answer's size when names need no escapes.
size_t FilterResultBytes(const Candidates& candidates, std::span<const NodeAnswer> answers) {
  size_t bytes = kFrameBytes + candidates.list_head.size() + candidates.raw.size();
  for (size_t i = 0; i < candidates.names.size(); ++i) {
    const bool passes = Passes(answers, i);
    const bool is_node = passes && candidates.is_full;
    bytes += 8 + (is_node ? candidates.nodes[i].size() : candidates.names[i].size());
    if (!passes) bytes += answers[i].reason.size();
  }
  return bytes;
}

char* Put(std::string_view text, char* at) {
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

// Of a size that the compiler does not know. Inline: a call of memcpy for each short name takes
// longer.
char* PutName(std::string_view text, char* at) {
  constexpr size_t kWord = sizeof(uint64_t);
  if (text.size() < kWord) return Put(text, at);
  // The last word takes some bytes a second time.
  const size_t last = text.size() - kWord;
  for (size_t done = 0; done < last; done += kWord) {
    std::memcpy(at + done, text.data() + done, kWord);
  }
  std::memcpy(at + last, text.data() + last, kWord);
  return at + text.size();
}

// Names that need no escape, each between its quotes in the body. Written into room that is there:
// to look for room at each piece is what a list of thousands otherwise costs.
std::string PlainHostPriorities(const std::vector<std::string_view>& names,
                                std::span<const int> scores) {
  constexpr std::string_view kHost = R"({"Host":)", kScore = R"(,"Score":)";
  constexpr size_t kDigitsMax = 11;  // Of an int, with its sign.
  constexpr size_t kFixed = kHost.size() + 2 + kScore.size() + kDigitsMax + 2;
  const auto zeros = static_cast<size_t>(std::count(scores.begin(), scores.end(), 0));
  size_t bytes = 2 + (names.size() - zeros) * kFixed;
  for (const std::string_view name : names) bytes += name.size();  // Also those that are left out.
  std::string out(bytes, '[');
  char* at = out.data() + 1;
  for (size_t i = 0; i < names.size(); ++i) {
    if (scores[i] == 0) continue;
    at = Put(kHost, at);
    at = PutName({names[i].data() - 1, names[i].size() + 2}, at);
    at = Put(kScore, at);
    if (scores[i] > 0 && scores[i] < 10) {  // Most are.
      *at++ = static_cast<char>('0' + scores[i]);
    } else {
      at = std::to_chars(at, at + kDigitsMax, scores[i]).ptr;
    }
    at = Put("},", at);
  }
  if (at[-1] == ',') --at;
  *at++ = ']';
  out.resize(static_cast<size_t>(at - out.data()));
  return out;
}

}  // namespace

std::string EncodeFilterResult(const Candidates& candidates, std::span<const NodeAnswer> answers) {
  PMEM_CHECK(answers.size() == candidates.names.size());
  std::string out;
  out.reserve(FilterResultBytes(candidates, answers));
  AppendNodes(candidates, answers, out);
  out.append(",\"FailedNodes\":");
  AppendRefused(candidates, answers, NodeVerdict::kRefusedForNow, out);
  out.append(",\"FailedAndUnresolvableNodes\":");
  AppendRefused(candidates, answers, NodeVerdict::kRefused, out);
  out.append(",\"Error\":\"\"}");
  return out;
}

std::string EncodeAllPass(const Candidates& candidates) {
  std::string out;
  out.reserve(candidates.raw.empty() ? FilterResultBytes(candidates, {})
                                     : kFrameBytes + candidates.raw.size());
  if (candidates.raw.empty()) {
    AppendNodes(candidates, {}, out);
  } else if (candidates.is_full) {
    out.append("{\"Nodes\":").append(candidates.raw).append(",\"NodeNames\":null");
  } else {
    out.append("{\"Nodes\":null,\"NodeNames\":").append(candidates.raw);
  }
  out.append(kNoneRefused).append("\"\"}");
  return out;
}

std::string EncodeAllPassInPlace(const Candidates& candidates, std::string& body) {
  std::string_view kept = candidates.raw;
  std::string head(candidates.is_full ? "{\"Nodes\":" : "{\"Nodes\":null,\"NodeNames\":");
  std::string_view tail(candidates.is_full ? ",\"NodeNames\":null" : "");
  if (kept.empty() && !candidates.nodes.empty()) {
    const char* const begin = candidates.nodes.front().data();
    const char* const end = candidates.nodes.back().data() + candidates.nodes.back().size();
    kept = {begin, static_cast<size_t>(end - begin)};
    head.append("{").append(candidates.list_head).append("\"items\":[");
    tail = "]},\"NodeNames\":null";
  }
  if (kept.empty()) return EncodeAllPass(candidates);
  const auto at = static_cast<size_t>(kept.data() - body.data());
  if (at < head.size()) return EncodeAllPass(candidates);
  body.resize(at + kept.size());
  body.replace(at - head.size(), head.size(), head);
  body.erase(0, at - head.size());
  body.append(tail).append(kNoneRefused).append("\"\"}");
  return std::move(body);
}

std::string EncodeFilterError(std::string_view error) {
  std::string out("{\"Nodes\":null,\"NodeNames\":[]");
  out.append(kNoneRefused);
  AppendString(error, out);
  out.push_back('}');
  return out;
}

std::string EncodeHostPriorityList(const Candidates& candidates, std::span<const int> scores) {
  PMEM_CHECK(scores.size() == candidates.names.size());
  if (HasPlainNames(candidates)) return PlainHostPriorities(candidates.names, scores);
  std::string out("[");
  Comma comma;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] == 0) continue;
    comma.Append(out);
    out.append("{\"Host\":");
    AppendString(candidates.names[i], out);
    out.append(",\"Score\":");
    out.append(std::to_string(scores[i]));
    out.push_back('}');
  }
  out.push_back(']');
  return out;
}

std::string EncodePreemptionResult(const PreemptionArgs& args, const std::vector<bool>& is_kept) {
  PMEM_CHECK(is_kept.size() == args.nodes.size());
  std::string out("{\"NodeNameToMetaVictims\":{");
  Comma node_comma;
  for (size_t i = 0; i < args.nodes.size(); ++i) {
    if (!is_kept[i]) continue;
    node_comma.Append(out);
    AppendString(args.nodes[i].node, out);
    out.append(":{\"Pods\":[");
    Comma pod_comma;
    for (const std::string_view uid : args.nodes[i].pod_uids) {
      pod_comma.Append(out);
      out.append("{\"UID\":");
      AppendString(uid, out);
      out.push_back('}');
    }
    out.append("],\"NumPDBViolations\":");
    out.append(std::to_string(args.nodes[i].pdb_violations));
    out.push_back('}');
  }
  out.append("}}");
  return out;
}

}  // namespace pmem::extender
