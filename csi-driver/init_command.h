// SPDX-License-Identifier: Apache-2.0
// `pmem-csi-driver init`: makes this node's regions ready, once, as its label, the cluster's
// configuration or the flags say.
#pragma once

#include "absl/status/statusor.h"
#include "csi-driver/config.h"

namespace pmem::driver {

// Of RunInit when a region was left alone.
inline constexpr int kRefusedExit = 3;

// One line for each step on stdout. The exit status: 0, or kRefusedExit. Errors: those of the API
// server, of the configuration's file and, unless they are accepted, of the Initializer.
absl::StatusOr<int> RunInit(const InitConfig& given);

}  // namespace pmem::driver
