// SPDX-License-Identifier: Apache-2.0
// Reads claims and classes from the API server, one request each, some of them at once.
// Thread-safe; blocks.
#pragma once

#include <string>
#include <vector>

#include "extender/core/live_reader.h"
#include "extender/intake/kube_client.h"

namespace pmem::extender {

class KubeLiveReader final : public LiveReader {
 public:
  static constexpr size_t kTogetherMax = 8;
  // For each of those that are asked for together. kube-scheduler waits so long for an extender
  // unless it is told otherwise (DefaultExtenderTimeout); an answer after that is nobody's.
  static constexpr absl::Duration kDeadline = absl::Seconds(5);

  explicit KubeLiveReader(KubeClient* client) : client_(client) {}
  absl::StatusOr<LiveObjects> Read(const std::vector<ObjectKey>& claims,
                                   const std::vector<std::string>& classes) override;

 private:
  // One answer a path, of the object of that name. After one that does not come no more are asked
  // for.
  absl::StatusOr<std::vector<ApiAnswer>> GetAll(const std::vector<std::string>& paths,
                                                const std::vector<std::string>& names);

  KubeClient* const client_;
};

}  // namespace pmem::extender
