// SPDX-License-Identifier: Apache-2.0
// Whether a claim still asks for the volume that is about to be made. external-provisioner goes on
// with a call from its own copy of the claim, also after the claim was deleted or sent elsewhere,
// and the ledger gives the room away some time after that. Pure, thread-safe.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace pmem::driver {

// FailedPrecondition, saying why, when the PersistentVolumeClaim in JSON does not ask for `volume`
// to be made on `node`: it is not the claim whose UID the volume's name ends in, it has a volume,
// or its selected node is another one or none. InvalidArgument for what is no claim.
absl::Status CheckWanted(std::string_view claim_json, std::string_view volume,
                         std::string_view node);

}  // namespace pmem::driver
