// SPDX-License-Identifier: Apache-2.0
// The API server as far as a verb reads it live: objects that a test put there, and how often it
// was asked. Not thread-safe.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "extender/core/live_reader.h"

namespace pmem::extender {

class FakeLiveReader final : public LiveReader {
 public:
  std::vector<Claim> claims;
  std::vector<StorageClass> classes;
  absl::Status failure;  // Not OK: what every read answers.
  int reads = 0;

  absl::StatusOr<LiveObjects> Read(const std::vector<ObjectKey>& claim_keys,
                                   const std::vector<std::string>& class_names) override {
    ++reads;
    if (!failure.ok()) return failure;
    LiveObjects live;
    for (const ObjectKey& key : claim_keys) {
      const auto it = std::find_if(claims.begin(), claims.end(),
                                   [&](const Claim& claim) { return claim.meta.key == key; });
      it != claims.end() ? live.claims.push_back(*it) : live.absent_claims.push_back(key);
    }
    for (const std::string& name : class_names) {
      const auto it = std::find_if(classes.begin(), classes.end(), [&](const StorageClass& one) {
        return one.meta.key.name == name;
      });
      it != classes.end() ? live.classes.push_back(*it) : live.absent_classes.push_back(name);
    }
    return live;
  }
};

}  // namespace pmem::extender
