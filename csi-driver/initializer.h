// SPDX-License-Identifier: Apache-2.0
// Makes a node's regions ready for volumes, or says what it would do: `pmem-csi-driver init`.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "capacity-agent/device/lvm_maker.h"
#include "csi-driver/core/init_plan.h"
#include "csi-driver/devices.h"
#include "csi-driver/host.h"

namespace pmem::driver {

// Not thread-safe.
class Initializer {
 public:
  // `say` gets one line for each step, before it is done, and DescribeInit's at the end.
  Initializer(Devices* devices, agent::LvmMaker* lvm, Host* host,
              std::function<void(std::string_view)> say)
      : devices_(devices), lvm_(lvm), host_(host), say_(std::move(say)) {}

  // How many regions were left alone: refused by the plan, or by a step (FailedPrecondition) when
  // it came to it. With `is_dry` nothing is written. Errors: those of the readers and makers. A
  // step that fails, in either way, ends those of its region; the other regions are made ready, and
  // the error comes at the end. What was done before stays, and is found by the next run.
  absl::StatusOr<int> Run(const InitOptions& options, bool is_dry);

 private:
  std::vector<InitStep> Plan(const agent::DeviceState& state, const InitOptions& options);
  absl::Status Do(const InitStep& step);
  // FailedPrecondition for a device on which something is, whether a probe knows it or not, and for
  // one that cannot be read.
  absl::Status CheckEmpty(const std::string& device);
  absl::Status CreateGroup(const InitStep& step);
  // Ends a look at a namespace that somebody had disabled: `found` with what became of it.
  absl::Status DisabledAgain(const InitStep& step, const absl::Status& found);

  Devices* const devices_;
  agent::LvmMaker* const lvm_;
  Host* const host_;
  const std::function<void(std::string_view)> say_;
};

}  // namespace pmem::driver
