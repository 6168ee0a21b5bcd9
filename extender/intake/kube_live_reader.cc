// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/kube_live_reader.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/pure/status_macros.h"
#include "extender/core/kube_decode.h"

namespace pmem::extender {
namespace {

// The object; NotFound when the API server says so.
template <class T>
absl::StatusOr<T> ReadOne(KubeClient* client, const std::string& path) {
  PMEM_ASSIGN_OR_RETURN(const ApiAnswer answer, client->Get(path));
  PMEM_RETURN_IF_ERROR(answer.ToStatus());
  return DecodeObject<T>(answer.body);
}

}  // namespace

absl::StatusOr<LiveObjects> KubeLiveReader::Read(const std::vector<ObjectKey>& claims,
                                                 const std::vector<std::string>& classes) {
  if (claims.size() + classes.size() > kObjectsMax) {
    return absl::ResourceExhaustedError(absl::StrCat("pod needs ", claims.size() + classes.size(),
                                                     " objects read live, at most ", kObjectsMax));
  }
  LiveObjects live;
  for (const ObjectKey& key : claims) {
    auto claim = ReadOne<Claim>(client_, ApiPath(kClaimsResource, key.kube_namespace, key.name));
    if (claim.ok()) {
      live.claims.push_back(*std::move(claim));
    } else if (absl::IsNotFound(claim.status())) {
      live.absent_claims.push_back(key);
    } else {
      return Annotate(claim.status(), absl::StrCat("claim ", key.name));
    }
  }
  for (const std::string& name : classes) {
    auto object = ReadOne<StorageClass>(client_, ApiPath(kStorageClassesResource, {}, name));
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

}  // namespace pmem::extender
