// SPDX-License-Identifier: Apache-2.0
// This node's object in Kubernetes, read once, at initialization. The driver itself asks the API
// server for nothing.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace pmem::driver {

struct NodeQuestion {
  std::string server;  // URL. Empty: from the environment that every pod has.
  std::string credentials_directory;
  std::string node;
};

// As JSON. Errors: NotFound, PermissionDenied and Unavailable as the API server answers; those of
// HttpClient; FailedPrecondition when there is neither a URL nor such an environment.
absl::StatusOr<std::string> ReadNode(const NodeQuestion& question);

}  // namespace pmem::driver
