// SPDX-License-Identifier: Apache-2.0
// One object in Kubernetes, read when it is needed: this node's at initialization, a
// PersistentVolume when the resizer asks for one that is elsewhere, a claim while its volume is
// made. Nothing is watched or kept.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace pmem::driver {

struct KubeAccess {
  std::string server;  // URL. Empty: from the environment that every pod has.
  std::string credentials_directory = "/var/run/secrets/kubernetes.io/serviceaccount";
};

inline constexpr absl::Duration kObjectPatience = absl::Seconds(20);

// As JSON, as it is now: not from a cache. `path`: "/api/v1/nodes/n1". Errors: NotFound when the
// API server says so; FailedPrecondition when there is neither a URL nor such an environment;
// Unavailable for all else, refusals too, since roles and tokens may come a moment later, and when
// there is no answer in time. Thread-safe.
absl::StatusOr<std::string> ReadKubeObject(const KubeAccess& access, const std::string& path,
                                           absl::Duration patience = kObjectPatience);

}  // namespace pmem::driver
