// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/grpc/call.h"

#include <csi.pb.h>

#include "absl/strings/str_cat.h"
#include "common/io/clock.h"
#include "common/io/log.h"
#include "common/pure/absl_view.h"
#include "common/pure/status_macros.h"

namespace pmem::driver {
namespace {

using Mode = ::csi::v1::VolumeCapability::AccessMode;

bool IsOurFault(const absl::Status& status) {
  return absl::IsInternal(status) || absl::IsUnavailable(status) ||
         absl::IsDeadlineExceeded(status) || absl::IsUnknown(status);
}

}  // namespace

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return {static_cast<grpc::StatusCode>(status.raw_code()), std::string(status.message())};
}

Call::Call(std::string_view method, const std::string& object)
    : method_(method), object_(object), began_(RealClock().SteadyNow()) {}

void Call::LogFailure(const absl::Status& status, absl::Duration took) const {
  const LogFields fields = {
      {"method", method_}, {"object", object_}, {"error", status}, {"seconds", took}};
  if (IsOurFault(status)) {
    LogWarning("csi", "call failed", fields);
  } else {
    LogInfo("csi", "call refused", fields);
  }
}

grpc::Status Call::Ended(const absl::Status& status) const {
  const absl::Duration took = RealClock().SteadyNow() - began_;
  if (status.ok()) {
    LogInfo("csi", "done", {{"method", method_}, {"object", object_}, {"seconds", took}});
  } else {
    LogFailure(status, took);
  }
  return ToGrpc(status);
}

grpc::Status Call::EndedQuietly(const absl::Status& status) const {
  if (!status.ok()) LogFailure(status, RealClock().SteadyNow() - began_);
  return ToGrpc(status);
}

absl::Status CheckField(std::string_view name, const std::string& value, int bytes_max) {
  if (value.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(AbslView(name), " is missing"));
  }
  if (static_cast<int>(value.size()) > bytes_max) {
    return absl::InvalidArgumentError(
        absl::StrCat(AbslView(name), " has ", value.size(), " bytes, at most ", bytes_max));
  }
  return absl::OkStatus();
}

absl::Status CheckPath(std::string_view name, const std::string& value) {
  PMEM_RETURN_IF_ERROR(CheckField(name, value, kPathBytesMax));
  if (value.front() == '/') return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(AbslView(name), " ", value, " does not begin with /"));
}

absl::StatusOr<VolumeUse> DecodeUse(const ::csi::v1::VolumeCapability& capability,
                                    const std::string& file_system) {
  VolumeUse use;
  use.is_block = capability.has_block();
  if (!use.is_block && !capability.has_mount()) {
    return absl::InvalidArgumentError("volume_capability: neither mount nor block");
  }
  const Mode::Mode mode = capability.access_mode().mode();
  if (mode == Mode::UNKNOWN) {
    return absl::InvalidArgumentError("volume_capability: access_mode is missing");
  }
  use.is_read_only = mode == Mode::SINGLE_NODE_READER_ONLY;
  use.is_single_node = use.is_read_only || mode == Mode::SINGLE_NODE_WRITER ||
                       mode == Mode::SINGLE_NODE_SINGLE_WRITER ||
                       mode == Mode::SINGLE_NODE_MULTI_WRITER;
  if (!use.is_block) {
    const std::string& named = capability.mount().fs_type();
    use.file_system = named.empty() ? file_system : named;
    use.mount_options = {capability.mount().mount_flags().begin(),
                         capability.mount().mount_flags().end()};
  }
  PMEM_RETURN_IF_ERROR(CheckUse(use));
  return use;
}

}  // namespace pmem::driver
