// SPDX-License-Identifier: Apache-2.0
// What the kernel refused, as a Status. Pure, thread-safe.
#pragma once

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace pmem::agent {

// NotFound, PermissionDenied, FailedPrecondition for what is in use, InvalidArgument, Unavailable
// for the rest; never ResourceExhausted, which means that a pool is full. The message names `what`.
inline absl::Status ErrnoStatus(int error, std::string_view what) {
  const std::string message =
      absl::StrCat(absl::string_view(what.data(), what.size()), ": ", std::strerror(error));
  switch (error) {
    case ENOENT:
    case ENXIO:
    case ENODEV:
      return absl::NotFoundError(message);
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(message);
    case EBUSY:
      return absl::FailedPreconditionError(message);
    case EINVAL:
      return absl::InvalidArgumentError(message);
    default:
      return absl::UnavailableError(message);
  }
}

// Of a step after the one that made what was asked for: whoever comes again finds it there. Nothing
// that goes wrong may look final to him, or nobody comes.
inline absl::Status LateStatus(const absl::Status& status) {
  return status.ok() ? status : absl::UnavailableError(status.message());
}

}  // namespace pmem::agent
