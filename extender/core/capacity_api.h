// SPDX-License-Identifier: Apache-2.0
// The seam between the capacity object controller and the API server.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "extender/core/capacity_objects.h"

namespace pmem::extender {

// Writes are conditional on the state that was seen. Blocks. Not thread-safe: the controller's
// thread alone calls it. A fake stands in for unit tests.
class CapacityApi {
 public:
  virtual ~CapacityApi() = default;
  // Carries out a change; for kCreate and kReplace the object as it is now. Aborted: it changed
  // meanwhile, or is there already; NotFound: it is gone. Unavailable: there was no answer, or the
  // server is not itself; ResourceExhausted: it wants fewer calls. Any other error is of this one
  // change, which it refuses; FailedPrecondition: the object cannot become that.
  virtual absl::StatusOr<CapacityObject> Write(const CapacityChange& change) = 0;
  virtual absl::StatusOr<CapacityObject> Get(const std::string& name) = 0;
};

}  // namespace pmem::extender
