// SPDX-License-Identifier: Apache-2.0
// The API server's CSIStorageCapacity objects, with its preconditions. Not thread-safe: for a
// controller whose rounds the test runs itself.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "extender/core/capacity_api.h"
#include "extender/core/kube_decode.h"

namespace pmem::extender {

class FakeCapacityApi final : public CapacityApi {
 public:
  absl::StatusOr<CapacityObject> Write(const CapacityChange& change) override {
    ++writes;
    if (!failure.ok()) return failure;
    if (const auto refused = refusals.find(change.name); refused != refusals.end()) {
      return refused->second;
    }
    const auto it = objects.find(change.name);
    if (change.kind == CapacityChange::Kind::kCreate) {
      if (it != objects.end()) return absl::AbortedError("it is there already");
    } else {
      if (it == objects.end()) return absl::NotFoundError("it is gone");
      const ObjectMeta& meta = it->second.meta;
      if (meta.uid != change.uid || meta.resource_version != change.resource_version) {
        return absl::AbortedError("it changed meanwhile");
      }
    }
    if (change.kind == CapacityChange::Kind::kReplace && !CanBecome(it->second, change)) {
      Meanwhile(change.name);
      return absl::FailedPreconditionError("field is immutable");
    }
    if (change.kind == CapacityChange::Kind::kDelete) {
      objects.erase(it);
      return CapacityObject{};
    }
    const CapacityObject answer = Put(change);
    Meanwhile(change.name);
    return answer;
  }

  absl::StatusOr<CapacityObject> Get(const std::string& name) override {
    const auto it = objects.find(name);
    if (it == objects.end()) return absl::NotFoundError("it is not there");
    const CapacityObject answer = it->second;
    Meanwhile(name);
    return answer;
  }

  // Somebody else changes an object.
  template <class Change>
  CapacityObject Edit(const std::string& name, Change change) {
    CapacityObject& object = objects.at(name);
    change(object);
    object.meta.resource_version = absl::StrCat(++version);
    return object;
  }

  std::map<std::string, CapacityObject> objects;
  absl::Status failure;                          // Of every write, unless OK.
  std::map<std::string, absl::Status> refusals;  // Of every write of an object.
  int writes = 0;                                // Tried.
  int version = 8;
  // What happens, once, while the next answer about an object is on its way.
  std::function<void(const std::string& name)> meanwhile;

 private:
  void Meanwhile(const std::string& name) {
    if (const auto happens = std::exchange(meanwhile, nullptr)) happens(name);
  }

  // What of an object is for ever.
  static bool CanBecome(const CapacityObject& object, const CapacityChange& change) {
    const CapacityObject next = *DecodeObject<CapacityObject>(CapacityObjectJson(change));
    return object.topology == next.topology && object.storage_class_name == next.storage_class_name;
  }

  CapacityObject Put(const CapacityChange& change) {
    CapacityObject object = *DecodeObject<CapacityObject>(CapacityObjectJson(change));
    const auto it = objects.find(change.name);
    object.meta.uid = it == objects.end() ? absl::StrCat("uid-", version) : it->second.meta.uid;
    object.meta.resource_version = absl::StrCat(++version);
    objects[change.name] = object;
    return object;
  }
};

}  // namespace pmem::extender
