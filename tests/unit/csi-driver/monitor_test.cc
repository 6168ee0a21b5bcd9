// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/monitor.h"

#include <gtest/gtest.h>

namespace pmem::driver {
namespace {

TEST(Monitor, CountsCallsByMethodAndCode) {
  Monitor monitor("1.0");
  monitor.Observe({.method = "CreateVolume", .code = 0, .took = absl::Milliseconds(20)});
  monitor.Observe({.method = "CreateVolume", .code = 8, .took = absl::Milliseconds(5)});
  const std::string text = monitor.MetricsText();
  for (const char* const line :
       {"pmem_csi_calls_total{code=\"OK\",method=\"CreateVolume\"} 1\n",
        "pmem_csi_calls_total{code=\"RESOURCE_EXHAUSTED\",method=\"CreateVolume\"} 1\n",
        "pmem_csi_calls_total{code=\"OK\",method=\"DeleteVolume\"} 0\n",
        "pmem_csi_call_duration_seconds_count{method=\"CreateVolume\"} 2\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

TEST(Monitor, IsReadyOnceCsiIsServed) {
  Monitor monitor("1.0");
  EXPECT_EQ(monitor.Readyz().status, 503);
  monitor.SetReady();
  EXPECT_EQ(monitor.Readyz().status, 200);
}

}  // namespace
}  // namespace pmem::driver
