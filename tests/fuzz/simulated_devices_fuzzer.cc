// SPDX-License-Identifier: Apache-2.0
// Whatever the file of simulated devices holds: an error, or a report that the extender accepts.
#include <cstdint>
#include <string_view>
#include <utility>

#include "capacity-agent/core/report_builder.h"
#include "capacity-agent/core/simulated_parse.h"
#include "common/pure/capacity_report.h"
#include "common/pure/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  auto devices = pmem::agent::ParseSimulatedDevices(json);
  if (!devices.ok()) return 0;
  pmem::agent::BuilderOptions options;
  options.node = "n1";
  options.boot_id = "b1";
  options.volume_groups = pmem::agent::NamePatterns("*");
  options.regions = pmem::agent::NamePatterns("*");
  const pmem::agent::Reading reading{.devices = *std::move(devices),
                                     .observed_at = absl::UnixEpoch()};
  const pmem::CapacityReport report = pmem::agent::BuildReport(options, reading, nullptr);
  const auto accepted = pmem::ParseCapacityReport(pmem::SerialiseCapacityReport(report));
  PMEM_CHECK(accepted.ok() && pmem::SameContent(*accepted, report));
  return 0;
}
