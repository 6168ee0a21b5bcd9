// SPDX-License-Identifier: Apache-2.0
// One view of libndctl on the devices. For the ndctl files of this folder only.
// Not thread-safe: a context is its user's alone.
#pragma once

#include <ndctl/libndctl.h>

#include <cstdarg>
#include <cstring>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace pmem::agent {

struct NdctlContextDeleter {
  void operator()(ndctl_ctx* context) const { ndctl_unref(context); }
};
using NdctlContext = std::unique_ptr<ndctl_ctx, NdctlContextDeleter>;

// libndctl would write its own lines to our stderr.
inline void DropNdctlLog(ndctl_ctx*, int, const char*, int, const char*, const char*, va_list) {}

// Unavailable when libndctl cannot be set up. A context keeps its first list of namespaces: take a
// new one to see changes.
inline absl::StatusOr<NdctlContext> NewNdctlContext() {
  ndctl_ctx* context = nullptr;
  const int error = ndctl_new(&context);
  if (error != 0) {
    return absl::UnavailableError(absl::StrCat("libndctl: ", std::strerror(-error)));
  }
  ndctl_set_log_fn(context, DropNdctlLog);
  return NdctlContext(context);
}

}  // namespace pmem::agent
