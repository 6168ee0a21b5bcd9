// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/core/lvm_commands.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/pure/absl_view.h"

namespace pmem::agent {
namespace {

std::string FullName(std::string_view group, std::string_view name) {
  return absl::StrCat(AbslView(group), "/", AbslView(name));
}

std::string DoubledDashes(std::string_view name) {
  return absl::StrReplaceAll(AbslView(name), {{"-", "--"}});
}

}  // namespace

std::vector<std::string> LvmCreateArguments(std::string_view group, std::string_view name,
                                            int64_t bytes) {
  return {"lvcreate", "--yes",           "--wipesignatures", "y",      "--zero",
          "y",        "--type",          "linear",           "--size", absl::StrCat(bytes, "b"),
          "--name",   std::string(name), std::string(group)};
}

std::vector<std::string> LvmRenameArguments(std::string_view group, std::string_view name,
                                            std::string_view new_name) {
  return {"lvrename", std::string(group), std::string(name), std::string(new_name)};
}

std::vector<std::string> LvmExtendArguments(std::string_view group, std::string_view name,
                                            int64_t bytes) {
  return {"lvextend", "--yes", "--size", absl::StrCat(bytes, "b"), FullName(group, name)};
}

std::vector<std::string> LvmActivateArguments(std::string_view group, std::string_view name) {
  return {"lvchange", "--yes", "--activate", "y", FullName(group, name)};
}

std::vector<std::string> LvmRefreshArguments(std::string_view group, std::string_view name) {
  return {"lvchange", "--yes", "--refresh", FullName(group, name)};
}

std::vector<std::string> LvmRemoveArguments(std::string_view group, std::string_view name) {
  return {"lvremove", "--yes", "--force", FullName(group, name)};
}

std::vector<std::string> LvmCreateGroupArguments(std::string_view group, const std::string& device,
                                                 bool is_half_made) {
  std::vector<std::string> arguments = {"vgcreate"};
  if (is_half_made) arguments.insert(arguments.end(), {"--force", "--force", "--yes"});
  // Where lvm.conf has system_id_source "uname" it would belong to the host of that name, which is
  // the pod's: the next pod would not see it.
  arguments.insert(arguments.end(),
                   {"--dataalignment", "2m", "--systemid", "", std::string(group), device});
  return arguments;
}

std::string MapperPath(std::string_view group, std::string_view name) {
  return absl::StrCat("/dev/mapper/", DoubledDashes(group), "-", DoubledDashes(name));
}

}  // namespace pmem::agent
