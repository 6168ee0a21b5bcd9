// SPDX-License-Identifier: Apache-2.0
// A whole driver without its sockets, over fakes.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "csi-driver/staging.h"
#include "csi-driver/volumes.h"
#include "tests/fakes/fake_host.h"
#include "tests/fakes/fake_volumes.h"

namespace pmem::driver {

inline constexpr char kBothPools[] =
    R"({"volume_groups":[{"name":"pmemvgregion0","size_bytes":8589934592,
                          "volumes":[{"name":"by-hand","size_bytes":4194304}]}],
        "regions":[{"name":"region1","size_bytes":8589934592,"label_slots":3,"namespaces":[]}]})";

class NodeFixture : public testing::Test {
 protected:
  NodeFixture() {
    store_.json = kBothPools;
    FillFakeDevices(&store_, &devices_);
  }
  absl::StatusOr<Volume> Make(const std::string& name, const std::string& kind, int64_t bytes) {
    return volumes_.Create({.name = name, .kind = kind, .range = {.required_bytes = bytes}});
  }

  FakeStore store_;
  FakeHost host_;
  Devices devices_;
  Volumes volumes_{&devices_, &host_, Erasure::kAll};
  Staging staging_{&volumes_, &host_};
};

}  // namespace pmem::driver
