// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/initializer.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "capacity-agent/device/ndctl_labels.h"
#include "common/pure/status_macros.h"

namespace pmem::driver {
namespace {

using Action = InitStep::Action;

InitStep Refusal(const std::string& region, absl::string_view reason) {
  return {.action = Action::kRefuse, .region = region, .reason = std::string(reason)};
}

// The same region's steps, refused.
void RefuseAll(const std::string& region, const std::string& reason, std::vector<InitStep>* steps) {
  std::erase_if(*steps, [&region](const InitStep& step) { return step.region == region; });
  steps->push_back(Refusal(region, reason));
}

// Of the first error's code, with what both say.
absl::Status Joined(const absl::Status& first, const absl::Status& second) {
  if (first.ok()) return second;
  return absl::Status(first.code(), absl::StrCat(first.message(), "; ", second.message()));
}

// A device that cannot be read may carry anything: its memory may have failed, or what read it was
// killed, so that it is worth another try.
absl::Status CannotBeTold(const std::string& device, const absl::Status& why) {
  if (absl::IsFailedPrecondition(why))
    return why;  // It was told: something that is no file system.
  return absl::Status(why.code(),
                      absl::StrCat("what is on ", device, " cannot be told: ", why.message()));
}

}  // namespace

std::vector<InitStep> Initializer::Plan(const agent::DeviceState& state,
                                        const InitOptions& options) {
  std::vector<InitStep> steps = PlanInit(state, options);
  const std::vector<InitStep> planned = steps;
  for (const InitStep& step : planned) {
    if (step.action != Action::kInitLabels) continue;
    // Without labels the whole region is one namespace, which somebody may be using as it is. It
    // has a block device, or there would be no such step.
    for (const agent::NvdimmNamespace& each :
         agent::FindRegion(state, step.region)->nvdimm_namespaces) {
      const absl::Status empty = CheckEmpty("/dev/" + each.block_device);
      if (!empty.ok()) RefuseAll(step.region, std::string(empty.message()), &steps);
    }
  }
  return steps;
}

absl::Status Initializer::CheckEmpty(const std::string& device) {
  const absl::StatusOr<std::string> found = host_->FileSystemOn(device);
  if (!found.ok()) return CannotBeTold(device, found.status());
  if (!found->empty()) return absl::FailedPreconditionError(device + " carries " + *found);
  const absl::StatusOr<std::string> data = host_->DataOn(device);
  if (!data.ok()) return CannotBeTold(device, data.status());
  if (data->empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(device, " carries nothing that blkid knows, but is not empty (", *data,
                   "): a VolumeGroup on it may be damaged (pvck --dump metadata_search); if nobody "
                   "needs what is "
                   "there, zero its first 4 MiB"));
}

absl::Status Initializer::DisabledAgain(const InitStep& step, const absl::Status& found) {
  const absl::Status disabled =
      devices_->makers.at(PoolKind::kDirect)->Disable({.pool = step.region, .name = step.name});
  return absl::Status(found.code(),
                      absl::StrCat(found.message(), "; its NVDIMM namespace was disabled, and is ",
                                   disabled.ok() ? "again" : "enabled now: ", disabled.message()));
}

absl::Status Initializer::CreateGroup(const InitStep& step) {
  PMEM_ASSIGN_OR_RETURN(
      const std::string device,
      devices_->makers.at(PoolKind::kDirect)->Open({.pool = step.region, .name = step.name}));
  const absl::Status empty = CheckEmpty(device);
  absl::Status why_not = empty;
  if (empty.ok()) return lvm_->CreateGroup(step.name, device, false);
  // Of a run that was cut off within vgcreate: nobody's data, and nobody else would finish it.
  if (absl::IsFailedPrecondition(empty)) {
    const absl::StatusOr<bool> is_half_made = host_->HasHalfMadeGroup(device, step.name);
    if (is_half_made.ok() && *is_half_made) return lvm_->CreateGroup(step.name, device, true);
    if (!is_half_made.ok()) why_not = is_half_made.status();
  }
  return step.is_disabled ? DisabledAgain(step, why_not) : why_not;
}

absl::Status Initializer::Do(const InitStep& step) {
  agent::VolumeMaker& maker = *devices_->makers.at(PoolKind::kDirect);
  switch (step.action) {
    case Action::kInitLabels:
      return agent::InitializeLabels(step.region);
    case Action::kRemoveNamespace:
      return maker.Remove({.pool = step.region, .name = step.name});
    case Action::kCreateNamespace:
      return maker.Create({.pool = step.region, .name = step.name}, step.bytes, absl::OkStatus);
    case Action::kCreateVolumeGroup:
      return CreateGroup(step);
    case Action::kRefuse:
      return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::StatusOr<int> Initializer::Run(const InitOptions& options, bool is_dry) {
  PMEM_ASSIGN_OR_RETURN(const agent::DeviceState state, ReadDeviceState(devices_));
  const std::vector<InitStep> steps = Plan(state, options);
  int refused = 0;
  absl::Status failed;
  std::set<std::string> ended;    // Regions, no further step of which is done.
  std::set<std::string> changed;  // Regions, or, in a dry run, those that would be.
  for (const InitStep& step : steps) {
    if (ended.count(step.region) > 0) continue;
    say_(DescribeStep(step));
    if (step.action == Action::kRefuse) {
      ++refused;
      continue;
    }
    const absl::Status done = is_dry ? absl::OkStatus() : Do(step);
    if (done.ok()) {
      changed.insert(step.region);
      continue;
    }
    ended.insert(step.region);
    if (absl::IsFailedPrecondition(done)) {
      ++refused;
      say_(DescribeStep(Refusal(step.region, done.message())));
    } else {
      failed = Joined(failed, Annotate(done, DescribeStep(step)));
    }
  }
  say_(DescribeInit(state, options, static_cast<int>(changed.size()), is_dry));
  if (!failed.ok()) return failed;
  return refused;
}

}  // namespace pmem::driver
