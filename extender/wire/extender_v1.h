// SPDX-License-Identifier: Apache-2.0
// The scheduler-extender protocol (k8s.io/kube-scheduler/extender/v1): request bodies in, answer
// bodies out. Nothing is decided here. Described in docs/protocol.md.
//
// Reading is one pass of simdjson over the caller's buffer, so that whole Node objects (76 MB for
// 5,000 nodes) cost no copy: names and Node JSON are views into that buffer, which must outlive the
// decoded value and must not change or move.
//
// Accepted, as Go's encoding/json does it: keys in any letter case, the last of a repeated key
// wins, null is the same as missing, unknown members are skipped. A skipped value is checked for
// UTF-8 and for balanced brackets only (names at the end of a body that nobody asked for: for
// UTF-8), and is never recursed into. Nothing may follow the one JSON value.
//
// A node that is sent twice is answered twice.
//
// Pure. An ExtenderDecoder serves one call at a time; everything else may be used from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "extender/core/kube_objects.h"

namespace pmem::extender {

// Limits. Past one: ResourceExhausted with the limit and the place. Of the body the limit that can
// be read at all: the parser takes up to 4 bytes for each of a body that is nothing but brackets.
inline constexpr size_t kExtenderBodyBytesMax = size_t{512} * 1024 * 1024;
inline constexpr size_t kNodesPerRequestMax = 200'000;
inline constexpr size_t kNodeNameBytesMax = 253;  // Kubernetes: a DNS subdomain.
inline constexpr size_t kPodDepthMax = 128;       // Nesting inside Pod.
inline constexpr size_t kPodVolumesMax = 4096;
inline constexpr size_t kVictimsPerNodeMax = 10'000;

// The reader wants to look this far past the end of a body. A body with that much spare capacity
// (std::string::reserve) is never copied.
inline constexpr size_t kBodyPaddingBytes = 64;
// A decoder gives its working memory back after a body larger than this.
inline constexpr size_t kDecoderKeptBodyBytesMax = size_t{4} * 1024 * 1024;

// The nodes that the scheduler asks about, in its order.
struct Candidates {
  bool is_full = false;                 // Whole Nodes were sent (nodeCacheCapable: false).
  std::vector<std::string_view> names;  // Not empty, no escapes left.
  std::vector<std::string_view> nodes;  // is_full: nodes[i] is the JSON of names[i], byte for byte.
  // The array of names, or the NodeList, as sent. Empty when names or Nodes had to be read one by
  // one; alone when the lists were not asked for.
  std::string_view raw;
  std::string list_head;  // is_full: kind, apiVersion and metadata of the NodeList: "k":v,"k":v,
  std::deque<std::string> unescaped;  // Owns the few names that had escapes.

  Candidates() = default;
  Candidates(Candidates&&) = default;
  Candidates& operator=(Candidates&&) = default;
};

// When DecodeArgs reads the candidates one by one, rather than leave them in `raw`.
enum class ReadCandidates {
  kAlways,
  kIfPodHasClaims,  // The cheapest path: EncodeAllPass is content with `raw`.
};

struct ExtenderArgs {
  // meta, scheduler_name, node_name, nominated_node_name, phase, volumes and owners are read; the
  // rest stays empty. Members that are missing stay empty too.
  Pod pod;
  Candidates candidates;
};

// What preemption would evict from one node.
struct NodeVictims {
  std::string_view node;
  std::vector<std::string_view> pod_uids;
  int64_t pdb_violations = 0;
  bool operator==(const NodeVictims&) const = default;
};

struct PreemptionArgs {
  Pod pod;                         // As in ExtenderArgs.
  std::vector<NodeVictims> nodes;  // In the request's order.
  std::deque<std::string> unescaped;

  PreemptionArgs() = default;
  PreemptionArgs(PreemptionArgs&&) = default;
  PreemptionArgs& operator=(PreemptionArgs&&) = default;
};

// Holds the parser's working memory (some bytes per body byte) between calls. Movable.
class ExtenderDecoder {
 public:
  ExtenderDecoder();
  ~ExtenderDecoder();
  ExtenderDecoder(ExtenderDecoder&&) noexcept;
  ExtenderDecoder& operator=(ExtenderDecoder&&) noexcept;

  // Filter and prioritize. NodeNames wins over Nodes when both are there. May grow the capacity of
  // `body`, leaves its bytes as they were. Errors: InvalidArgument (what, and where) for malformed,
  // truncated or wrong-typed JSON, no Pod, neither Nodes nor NodeNames; ResourceExhausted.
  absl::StatusOr<ExtenderArgs> DecodeArgs(std::string& body, ReadCandidates when);

  // Preemption. NodeNameToMetaVictims wins over NodeNameToVictims (whole pods, of which the UIDs
  // are read). A node with null victims has none. Errors: as above.
  absl::StatusOr<PreemptionArgs> DecodePreemption(std::string& body);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

enum class NodeVerdict {
  kPasses,
  kRefusedForNow,  // FailedNodes: another try may help.
  kRefused,        // FailedAndUnresolvableNodes: evicting pods does not help.
  kUnnamed,        // In no list: fits, but better ones are named.
};

struct NodeAnswer {
  NodeVerdict verdict = NodeVerdict::kPasses;
  std::string_view reason;  // Of a refusal; a constant string.
};

// ExtenderFilterResult. answers[i] is about candidates.names[i]; both have the same size. The mode
// of the answer is that of the request; the order is kept; passing Nodes are echoed byte for byte.
std::string EncodeFilterResult(const Candidates& candidates, std::span<const NodeAnswer> answers);
// The same with every node passing; the candidates need not have been read.
std::string EncodeAllPass(const Candidates& candidates);
// The same in the place of the body that the candidates were read from, which is lost, and what
// refers to it too: whole Nodes are not there twice. White space between Nodes stays.
std::string EncodeAllPassInPlace(const Candidates& candidates, std::string& body);
// The same with the Error member set: the scheduler tries the pod again, or skips us (ignorable).
std::string EncodeFilterError(std::string_view error);

// HostPriorityList. scores[i] is about candidates.names[i]. Those of 0 are left out: the scheduler
// counts them 0 anyway, and need not read them.
std::string EncodeHostPriorityList(const Candidates& candidates, std::span<const int> scores);

// ExtenderPreemptionResult: victims of the kept nodes as they were sent. is_kept[i] is about
// args.nodes[i].
std::string EncodePreemptionResult(const PreemptionArgs& args, const std::vector<bool>& is_kept);

}  // namespace pmem::extender
