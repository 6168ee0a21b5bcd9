// SPDX-License-Identifier: Apache-2.0
// The two macros that Debian's abseil does not have yet. Nothing bigger belongs here.
#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

#define PMEM_CONCAT_INNER_(a, b) a##b
#define PMEM_CONCAT_(a, b) PMEM_CONCAT_INNER_(a, b)

// Returns from the calling function when `expression` is not OK.
#define PMEM_RETURN_IF_ERROR(expression)         \
  do {                                           \
    absl::Status pmem_status_ = (expression);    \
    if (!pmem_status_.ok()) return pmem_status_; \
  } while (false)

// PMEM_ASSIGN_OR_RETURN(auto value, Function()): declares or assigns, or returns the error.
#define PMEM_ASSIGN_OR_RETURN(lhs, expression) \
  PMEM_ASSIGN_OR_RETURN_(PMEM_CONCAT_(pmem_status_or_, __LINE__), lhs, expression)
#define PMEM_ASSIGN_OR_RETURN_(holder, lhs, expression) \
  auto holder = (expression);                           \
  if (!holder.ok()) return std::move(holder).status();  \
  lhs = *std::move(holder)

namespace pmem {

// The same error with the context of the layer that has it in front: "node n1: pool p0: ...".
inline absl::Status Annotate(const absl::Status& status, std::string_view context) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(absl::string_view(context.data(), context.size()),
                                                  ": ", status.message()));
}

}  // namespace pmem
