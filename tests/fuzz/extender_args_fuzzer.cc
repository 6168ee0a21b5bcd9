// SPDX-License-Identifier: Apache-2.0
// Whatever a request holds: no crash, names within their limits and inside the body, and an answer
// that the same decoder reads back to the same names.
#include <cstdint>
#include <string>
#include <vector>

#include "common/pure/check.h"
#include "common/pure/json_reader.h"
#include "extender/wire/extender_v1.h"

namespace pmem::extender {
namespace {

void CheckNames(const Candidates& candidates) {
  PMEM_CHECK(!candidates.is_full || candidates.nodes.size() == candidates.names.size());
  PMEM_CHECK(candidates.is_full || candidates.nodes.empty());
  for (const std::string_view name : candidates.names) {
    PMEM_CHECK(!name.empty() && name.size() <= kNodeNameBytesMax);
  }
}

// Names that were sent come back from our own answer; whole Nodes may hold unchecked bytes.
void CheckEcho(const Candidates& candidates) {
  const std::vector<NodeAnswer> all(candidates.names.size());
  std::string answer = EncodeFilterResult(candidates, all);
  PMEM_CHECK(answer == EncodeAllPass(candidates));
  if (candidates.is_full) return;
  answer.insert(1, "\"Pod\":{},");
  ExtenderDecoder decoder;
  const auto again = decoder.DecodeArgs(answer, ReadCandidates::kAlways);
  PMEM_CHECK(again.ok() && again->candidates.names == candidates.names);
}

// White space between Nodes may differ.
void CheckInPlace(const Candidates& candidates, std::string& body) {
  std::string answer = EncodeAllPass(candidates);
  std::string in_place = EncodeAllPassInPlace(candidates, body);
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  std::erase_if(answer, is_space);
  std::erase_if(in_place, is_space);
  PMEM_CHECK(answer == in_place);
}

void FuzzArgs(ExtenderDecoder& decoder, std::string_view input) {
  std::string body(input);
  const auto args = decoder.DecodeArgs(body, ReadCandidates::kAlways);
  PMEM_CHECK(body == input);
  if (args.ok()) {
    CheckNames(args->candidates);
    CheckEcho(args->candidates);
  }
  std::string same(input);
  const auto quick = decoder.DecodeArgs(same, ReadCandidates::kIfPodHasClaims);
  // What neither needs to look into may be broken, and then one of them may notice.
  const bool is_whole = args.ok() && JsonDocument::Parse(input).ok();
  PMEM_CHECK(!is_whole || (quick.ok() && quick->pod == args->pod));
  if (quick.ok()) CheckInPlace(quick->candidates, same);
  if (args.ok()) CheckInPlace(args->candidates, body);
}

void FuzzPreemption(ExtenderDecoder& decoder, std::string_view input) {
  std::string body(input);
  const auto args = decoder.DecodePreemption(body);
  if (!args.ok()) return;
  std::string answer = EncodePreemptionResult(*args, std::vector<bool>(args->nodes.size(), true));
  answer.insert(1, "\"Pod\":{},");
  ExtenderDecoder other;
  const auto again = other.DecodePreemption(answer);
  PMEM_CHECK(again.ok() && again->nodes == args->nodes);
}

}  // namespace
}  // namespace pmem::extender

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pmem::extender::ExtenderDecoder decoder;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  pmem::extender::FuzzArgs(decoder, input);
  pmem::extender::FuzzPreemption(decoder, input);
  return 0;
}
