// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/kube_live_reader.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/pure/status_macros.h"
#include "extender/core/kube_decode.h"

namespace pmem::extender {
namespace {

// The object; NotFound when the API server says so.
template <class T>
absl::StatusOr<T> Decode(const ApiAnswer& answer) {
  PMEM_RETURN_IF_ERROR(answer.ToStatus());
  return DecodeObject<T>(answer.body);
}

}  // namespace

absl::StatusOr<LiveObjects> KubeLiveReader::Read(const std::vector<ObjectKey>& claims,
                                                 const std::vector<std::string>& classes,
                                                 absl::Duration time) {
  const absl::Time end = clock_->SteadyNow() + time;
  if (claims.size() + classes.size() > kObjectsMax) {
    return absl::OutOfRangeError(absl::StrCat("pod needs ", claims.size() + classes.size(),
                                              " objects read live, at most ", kObjectsMax));
  }
  std::vector<std::string> paths, names;
  for (const ObjectKey& key : claims) {
    paths.push_back(ApiPath(kClaimsResource, key.kube_namespace, key.name));
    names.push_back(absl::StrCat("claim ", key.name));
  }
  for (const std::string& name : classes) {
    paths.push_back(ApiPath(kStorageClassesResource, {}, name));
    names.push_back(absl::StrCat("StorageClass ", name));
  }
  PMEM_ASSIGN_OR_RETURN(const std::vector<ApiAnswer> answers, GetAll(paths, names, end));
  auto answer = answers.begin();
  LiveObjects live;
  for (const ObjectKey& key : claims) {
    auto claim = Decode<Claim>(*answer++);
    if (claim.ok()) {
      live.claims.push_back(*std::move(claim));
    } else if (absl::IsNotFound(claim.status())) {
      live.absent_claims.push_back(key);
    } else {
      return Annotate(claim.status(), absl::StrCat("claim ", key.name));
    }
  }
  for (const std::string& name : classes) {
    auto object = Decode<StorageClass>(*answer++);
    if (object.ok()) {
      live.classes.push_back(*std::move(object));
    } else if (absl::IsNotFound(object.status())) {
      live.absent_classes.push_back(name);
    } else {
      return Annotate(object.status(), absl::StrCat("StorageClass ", name));
    }
  }
  return live;
}

absl::StatusOr<std::vector<ApiAnswer>> KubeLiveReader::GetAll(const std::vector<std::string>& paths,
                                                              const std::vector<std::string>& names,
                                                              absl::Time end) {
  std::vector<ApiAnswer> answers;
  answers.reserve(paths.size());
  for (auto at = paths.begin(); at != paths.end();) {
    const absl::Duration time = end - clock_->SteadyNow();
    if (time <= absl::ZeroDuration()) {
      return absl::DeadlineExceededError(
          absl::StrCat(names[answers.size()], ": no time was left to ask for it"));
    }
    const auto left = static_cast<size_t>(paths.end() - at);
    const auto next = at + static_cast<std::ptrdiff_t>(std::min(left, kTogetherMax));
    for (auto& got : client_->GetAll({at, next}, time)) {
      if (!got.ok()) return Annotate(got.status(), names[answers.size()]);
      answers.push_back(*std::move(got));
    }
    at = next;
  }
  return answers;
}

}  // namespace pmem::extender
