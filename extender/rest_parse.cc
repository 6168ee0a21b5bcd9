// SPDX-License-Identifier: Apache-2.0
#include "extender/rest_parse.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/pure/absl_view.h"
#include "common/pure/json_reader.h"
#include "common/pure/quantity.h"
#include "common/pure/status_macros.h"
#include "common/pure/units.h"
#include "extender/rest_api.h"

namespace pmem::extender {
namespace {

constexpr int64_t kSimulationDepthMax = 8;

absl::Status CheckMembers(const JsonValue& object,
                          std::initializer_list<std::string_view> allowed) {
  PMEM_ASSIGN_OR_RETURN(const auto members, object.AsObject());
  for (const auto& [name, value] : members) {
    if (std::count(allowed.begin(), allowed.end(), name) == 0) {
      return value.Error("there is no such member");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> ParseBytes(const JsonValue& claim) {
  PMEM_ASSIGN_OR_RETURN(const auto size, claim.OptionalString("size"));
  PMEM_ASSIGN_OR_RETURN(const auto bytes, claim.OptionalInt("bytes", 1, kBytesMax));
  if (size.has_value() == bytes.has_value()) return claim.Error("wants size or bytes");
  if (bytes) return *bytes;
  PMEM_ASSIGN_OR_RETURN(const int64_t parsed, QuantityToBytes(*size));
  return parsed > 0 ? absl::StatusOr<int64_t>(parsed) : claim.Error("size must be above 0");
}

absl::StatusOr<SimulationClaim> ParseClaim(const JsonValue& value) {
  PMEM_RETURN_IF_ERROR(CheckMembers(value, {"kind", "storage_class", "size", "bytes"}));
  PMEM_ASSIGN_OR_RETURN(const auto kind, value.OptionalString("kind"));
  PMEM_ASSIGN_OR_RETURN(const auto storage_class, value.OptionalString("storage_class"));
  if (kind.has_value() == storage_class.has_value()) {
    return value.Error("wants kind or storage_class");
  }
  SimulationClaim claim;
  PMEM_ASSIGN_OR_RETURN(claim.requested_bytes, ParseBytes(value));
  claim.storage_class = storage_class.value_or("");
  if (storage_class) {
    return claim.storage_class.empty() ? value.Error("storage_class is empty")
                                       : absl::StatusOr<SimulationClaim>(claim);
  }
  const auto known = PoolKindFromName(*kind);
  if (!known) return value.Error("kind is lvm or direct");
  claim.kind = *known;
  return claim;
}

}  // namespace

absl::Status CheckQuery(const Query& query, std::initializer_list<std::string_view> allowed) {
  for (const auto& [name, value] : query) {
    if (std::count(allowed.begin(), allowed.end(), name) == 0) {
      return absl::InvalidArgumentError(absl::StrCat("there is no parameter ", name, " here"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Page> ParsePage(const Query& query) {
  Page page;
  if (const auto limit = query.find("limit"); limit != query.end()) {
    if (!absl::SimpleAtoi(limit->second, &page.limit) || page.limit < 1 || page.limit > kPageMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("limit: wanted 1 to ", kPageMax, ", got ", limit->second.substr(0, 32)));
    }
  }
  if (const auto after = query.find("continue"); after != query.end()) {
    if (after->second.size() > RestApi::kContinueBytesMax) {
      return absl::InvalidArgumentError("continue: too long");
    }
    page.after = after->second;
  }
  return page;
}

absl::StatusOr<ObjectKey> ParseKey(std::string_view text) {
  const size_t slash = text.find('/');
  const bool is_key = slash != std::string_view::npos && slash > 0 && slash + 1 < text.size() &&
                      text.find('/', slash + 1) == std::string_view::npos;
  if (!is_key) return absl::InvalidArgumentError("the path ends in {kube_namespace}/{name}");
  return ObjectKey{.kube_namespace = std::string(text.substr(0, slash)),
                   .name = std::string(text.substr(slash + 1))};
}

absl::StatusOr<SimulationRequest> ParseSimulation(std::string_view json) {
  PMEM_ASSIGN_OR_RETURN(const auto document,
                        JsonDocument::Parse(json, {.depth_max = kSimulationDepthMax}));
  const JsonValue root = document.root();
  PMEM_RETURN_IF_ERROR(CheckMembers(root, {"claims", "replicas", "strategy"}));
  SimulationRequest request;
  PMEM_ASSIGN_OR_RETURN(const auto claims, root.Array("claims", kClaimsPerReplicaMax));
  if (claims.empty()) return root.Error("claims: wants at least one");
  for (const JsonValue& value : claims) {
    PMEM_ASSIGN_OR_RETURN(SimulationClaim claim, ParseClaim(value));
    request.claims.push_back(std::move(claim));
  }
  PMEM_ASSIGN_OR_RETURN(const auto replicas, root.OptionalInt("replicas", 1, kReplicasMax));
  request.replicas = static_cast<int>(replicas.value_or(1));
  PMEM_ASSIGN_OR_RETURN(const auto strategy, root.OptionalString("strategy"));
  if (!strategy) return request;
  request.strategy = StrategyFromName(*strategy);
  if (!request.strategy) return root.Error("strategy is binpack or spread");
  return request;
}

}  // namespace pmem::extender
