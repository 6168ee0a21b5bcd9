// SPDX-License-Identifier: Apache-2.0
// What the ledger knows, for people: the answers of the REST API as JSON. Described member by
// member in extender/openapi.json. Lists are sorted by their key and cut into pages, so that a look
// takes the ledger's lock for a short while only. Pure, deterministic.
//
// Of a node and a kind: available_bytes is what the agents report, assumed_bytes what is promised
// (promised_bytes here) to claims and not in the report yet, growth_bytes what of that volumes are
// to grow by, free_bytes the difference in whole steps of the alignment, held_bytes what ends by
// itself: what undecided pods hold, and what a creation may take whose claim lost its node or is
// gone; largest_bytes the largest volume that fits.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "common/pure/json_writer.h"
#include "extender/core/ledger.h"
#include "extender/core/page.h"

namespace pmem::extender {

inline constexpr int kHoldNodesMax = 100;  // Nodes of a hold that are named.

struct ClaimFilter {
  std::string kube_namespace;  // Empty: any.
  std::string node;
};

// {"nodes":[...],"continue":"n7"}; continue is absent on the last page. Nodes with an agent, and
// those that lack one (LacksAgent).
std::string NodesJson(const Ledger& ledger, absl::Time now, const Page& page);
// One node with its volumes, also one of the cluster's without persistent memory. nullopt: it is
// not in the cluster, and no agent is known there.
std::optional<std::string> NodeJson(const Ledger& ledger, absl::Time now, const std::string& name);
// {"claims":[...],"continue":"<uid>"}: claims of our classes, by UID. continue may name one that is
// not among them.
std::string ClaimsJson(const Ledger& ledger, const Page& page, const ClaimFilter& filter);
// {"holds":[...],"continue":"<owner>"}
std::string HoldsJson(const Ledger& ledger, absl::Time now, const Page& page);
// Per node, those without persistent memory among them: fits, or the reason and the numbers;
// neither while a claim or class that the pod names is missing. nullopt: no pod of that name waits
// for a node.
std::optional<std::string> ExplainJson(const Ledger& ledger, absl::Time now, const ObjectKey& pod,
                                       const Page& page);

// Sums over nodes, added up page by page.
struct Summary {
  struct Kind {
    int64_t total_bytes = 0;
    int64_t available_bytes = 0;
    int64_t promised_bytes = 0;
    int64_t free_bytes = 0;  // On fresh nodes only.
    int64_t volume_bytes_max = 0;
  };
  std::map<std::string_view, int64_t> nodes;  // By freshness.
  Kind lvm, direct;
};
// Adds the nodes of the page. Returns the name to go on after; empty: done.
std::string AddToSummary(const Ledger& ledger, absl::Time now, const Page& page, Summary& summary);
// The members of a summary: nodes, kinds, claims, holds, version.
void WriteSummary(const Ledger& ledger, const Summary& summary, JsonWriter& json);

}  // namespace pmem::extender
