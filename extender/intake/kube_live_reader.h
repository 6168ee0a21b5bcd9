// SPDX-License-Identifier: Apache-2.0
// Reads claims and classes from the API server, one request each, some of them at once.
// Thread-safe; blocks.
#pragma once

#include <string>
#include <vector>

#include "common/io/clock.h"
#include "extender/core/live_reader.h"
#include "extender/intake/kube_client.h"

namespace pmem::extender {

class KubeLiveReader final : public LiveReader {
 public:
  static constexpr size_t kTogetherMax = 8;

  // Both must outlive the reader.
  KubeLiveReader(KubeClient* client, const Clock* clock) : client_(client), clock_(clock) {}
  // A request whose token is refused is sent once more with the next one, and given its time again.
  absl::StatusOr<LiveObjects> Read(const std::vector<ObjectKey>& claims,
                                   const std::vector<std::string>& classes,
                                   absl::Duration time) override;

 private:
  // One answer a path, of the object of that name. After one that does not come no more are asked
  // for, nor after `end`.
  absl::StatusOr<std::vector<ApiAnswer>> GetAll(const std::vector<std::string>& paths,
                                                const std::vector<std::string>& names,
                                                absl::Time end);

  KubeClient* const client_;
  const Clock* const clock_;
};

}  // namespace pmem::extender
