// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/core/volume_facts.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/pure/absl_view.h"
#include "common/pure/json_reader.h"
#include "common/pure/names.h"
#include "common/pure/quantity.h"
#include "common/pure/status_macros.h"

namespace pmem::driver {
namespace {

absl::StatusOr<std::string> TextOf(const JsonValue& object, std::string_view name) {
  PMEM_ASSIGN_OR_RETURN(const auto text, object.OptionalString(name));
  return text.value_or("");
}

absl::StatusOr<std::optional<PoolKind>> KindIn(const JsonValue& csi) {
  PMEM_ASSIGN_OR_RETURN(const auto attributes, csi.OptionalMember("volumeAttributes"));
  if (!attributes) return std::nullopt;
  PMEM_ASSIGN_OR_RETURN(const std::string kind, TextOf(*attributes, kPmemTypeParameter));
  return PoolKindFromName(kind);
}

}  // namespace

absl::StatusOr<VolumeFacts> FactsOf(std::string_view persistent_volume_json, std::string_view id) {
  PMEM_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(persistent_volume_json));
  PMEM_ASSIGN_OR_RETURN(const JsonValue spec, document.root().Member("spec"));
  PMEM_ASSIGN_OR_RETURN(const auto csi, spec.OptionalMember("csi"));
  if (!csi) return VolumeFacts{};
  PMEM_ASSIGN_OR_RETURN(const std::string driver, TextOf(*csi, "driver"));
  PMEM_ASSIGN_OR_RETURN(const std::string handle, TextOf(*csi, "volumeHandle"));
  if (driver != kDriverName || handle != id) return VolumeFacts{};
  VolumeFacts facts;
  PMEM_ASSIGN_OR_RETURN(facts.kind, KindIn(*csi));
  PMEM_ASSIGN_OR_RETURN(const auto capacity, spec.OptionalMember("capacity"));
  if (!capacity) return facts;
  PMEM_ASSIGN_OR_RETURN(const std::string storage, TextOf(*capacity, "storage"));
  if (storage.empty()) return facts;
  PMEM_ASSIGN_OR_RETURN(facts.bytes, QuantityToBytes(storage));
  return facts;
}

absl::StatusOr<int64_t> PromisedBytes(const VolumeFacts& facts, std::string_view id,
                                      const SizeRange& range) {
  PMEM_ASSIGN_OR_RETURN(const int64_t wanted_bytes, WantedBytes(range, 0));
  if (range.required_bytes <= facts.bytes) return facts.bytes;
  if (facts.kind != PoolKind::kDirect) return wanted_bytes;
  return absl::OutOfRangeError(
      absl::StrCat("volume ", AbslView(id), " of ", facts.bytes, " bytes is of kind direct, its ",
                   "place in an NVDIMM region is fixed: it cannot grow to ", wanted_bytes,
                   "; make a larger claim and copy the data"));
}

}  // namespace pmem::driver
