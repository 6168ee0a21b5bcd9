// SPDX-License-Identifier: Apache-2.0
// The nodes of the cluster as views and metrics go through them: those of the API server and those
// of the book together, in order of their names. Pure, deterministic.
#pragma once

#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "extender/core/ledger.h"
#include "extender/core/page.h"

namespace pmem::extender {

// At least one of the two is there. Valid until the next change of the ledger.
struct KnownNode {
  const std::string& name;
  const Node* object = nullptr;      // Null: the API server knows no such Node.
  const NodeState* state = nullptr;  // Null: neither an agent nor a promise is known there.

  bool HasAgent() const { return state != nullptr && state->has_agent; }
};

// Calls look(node) for the nodes of the page; one that it returns false for is not of the page.
// Returns the name to go on after; empty: that was the last one. Nodes that are not in the cluster
// and have no agent are left out: somebody may have pinned a claim to any name.
std::string LookAtNodes(const Ledger& ledger, const Page& page,
                        absl::FunctionRef<bool(const KnownNode&)> look);
// nullopt: not one of those.
std::optional<KnownNode> FindKnownNode(const Ledger& ledger, const std::string& name);

// The node has the kube_label by which agents and drivers run there.
bool HasPmemLabel(const Node& node);

// The node is in the cluster and is to have persistent memory, for it has the product's kube_label
// or claims of ours, and nobody says how much: no agent is there.
bool LacksAgent(const Ledger& ledger, const KnownNode& node);
// It has an agent, or lacks one.
bool IsOfPmem(const Ledger& ledger, const KnownNode& node);

Freshness FreshnessOf(const Ledger& ledger, const KnownNode& node, absl::Time now);

}  // namespace pmem::extender
