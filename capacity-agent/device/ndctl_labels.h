// SPDX-License-Identifier: Apache-2.0
// The label areas of NVDIMMs, which tell how their region is divided.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace pmem::agent {

// Writes empty label areas on all NVDIMMs of a region that has none. FailedPrecondition when one of
// them may hold a label (label_area.h), or the region is in use; then nothing was changed. What was
// interrupted, by the loss of power too, may be begun again. Needs root.
absl::Status InitializeLabels(const std::string& region);

}  // namespace pmem::agent
