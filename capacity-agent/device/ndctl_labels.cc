// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/device/ndctl_labels.h"

#include <ndctl/libndctl.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "capacity-agent/core/label_area.h"
#include "capacity-agent/device/errno_status.h"
#include "capacity-agent/device/ndctl_context.h"
#include "common/pure/status_macros.h"

namespace pmem::agent {
namespace {

struct CommandDeleter {
  void operator()(ndctl_cmd* command) const { ndctl_cmd_unref(command); }
};

absl::Status Check(int result, const std::string& what) {
  return result >= 0 ? absl::OkStatus() : ErrnoStatus(-result, what);
}

std::string NameOf(ndctl_dimm* dimm) { return ndctl_dimm_get_devname(dimm); }

absl::Status CheckHoldsNoLabel(ndctl_dimm* dimm) {
  const std::unique_ptr<ndctl_cmd, CommandDeleter> read(ndctl_dimm_read_labels(dimm));
  if (read == nullptr) return absl::UnavailableError(NameOf(dimm) + ": its labels are unreadable");
  const ssize_t size = ndctl_cmd_cfg_read_get_size(read.get());
  std::vector<char> area(static_cast<size_t>(std::max<ssize_t>(size, 0)));
  const ssize_t got = ndctl_cmd_cfg_read_get_data(read.get(), area.data(),
                                                  static_cast<unsigned int>(area.size()), 0);
  if (size <= 0 || got != size) return absl::UnavailableError(NameOf(dimm) + ": has no label area");
  // A run that ended too early left it initialized, and the kernel has not looked at it since. Once
  // it has looked, at one NVDIMM of the region, the region counts as labelled, and with its first
  // namespace the kernel initializes what is left.
  if (HoldsNoLabel(std::string_view(area.data(), area.size()))) return absl::OkStatus();
  return absl::FailedPreconditionError(NameOf(dimm) + ": its label area is not empty");
}

absl::Status Initialize(ndctl_dimm* dimm) {
  // Reads the index blocks in, without which the library writes none.
  const std::unique_ptr<ndctl_cmd, CommandDeleter> index(ndctl_dimm_read_label_index(dimm));
  if (index == nullptr) return absl::UnavailableError(NameOf(dimm) + ": its labels are unreadable");
  PMEM_RETURN_IF_ERROR(
      Check(ndctl_dimm_init_labels(dimm, NDCTL_NS_VERSION_1_2), NameOf(dimm) + ": labels"));
  // The kernel looks at the labels when the NVDIMM is enabled.
  PMEM_RETURN_IF_ERROR(Check(ndctl_dimm_disable(dimm), NameOf(dimm)));
  return Check(ndctl_dimm_enable(dimm), NameOf(dimm));
}

absl::Status InitializeAll(ndctl_region* region) {
  ndctl_dimm* dimm = nullptr;
  ndctl_dimm_foreach_in_region(region, dimm) { PMEM_RETURN_IF_ERROR(CheckHoldsNoLabel(dimm)); }
  ndctl_namespace* each = nullptr;
  ndctl_namespace_foreach(region, each) {
    PMEM_RETURN_IF_ERROR(Check(ndctl_namespace_disable_safe(each), "its namespace"));
  }
  PMEM_RETURN_IF_ERROR(Check(ndctl_region_disable_invalidate(region), "region"));
  ndctl_dimm_foreach_in_region(region, dimm) {
    absl::Status status = Initialize(dimm);
    if (!status.ok()) {
      ndctl_region_enable(region);
      return status;
    }
  }
  return Check(ndctl_region_enable(region), "region");
}

}  // namespace

absl::Status InitializeLabels(const std::string& region) {
  PMEM_ASSIGN_OR_RETURN(const NdctlContext context, NewNdctlContext());
  ndctl_bus* bus = nullptr;
  ndctl_bus_foreach(context.get(), bus) {
    ndctl_region* each = nullptr;
    ndctl_region_foreach(bus, each) {
      if (ndctl_region_get_devname(each) == region) return Annotate(InitializeAll(each), region);
    }
  }
  return absl::NotFoundError(absl::StrCat("no region ", region));
}

}  // namespace pmem::agent
