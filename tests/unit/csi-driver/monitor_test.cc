// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/monitor.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_clock.h"

namespace pmem::driver {
namespace {

TEST(Monitor, CountsCallsByMethodAndCode) {
  const FakeClock clock;
  Monitor monitor("1.0", &clock);
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
  const FakeClock clock;
  Monitor monitor("1.0", &clock);
  EXPECT_EQ(monitor.Readyz().status, 503);
  monitor.SetReady();
  EXPECT_EQ(monitor.Readyz().status, 200);
}

TEST(Monitor, IsAliveWhileItStartsHoweverLongThatTakes) {
  FakeClock clock;
  const Monitor monitor("1.0", &clock);
  clock.Advance(absl::Hours(1));
  EXPECT_EQ(monitor.Livez().status, 200);
}

TEST(Monitor, IsAliveOnlyAsLongAsCsiAnswersOnceItIsServed) {
  FakeClock clock;
  Monitor monitor("1.0", &clock);
  monitor.SetReady();
  clock.Advance(Monitor::kAnswerAgeMax);
  EXPECT_EQ(monitor.Livez().status, 200);
  clock.Advance(absl::Seconds(1));
  EXPECT_EQ(monitor.Livez().status, 503);
  EXPECT_NE(monitor.Livez().body.find("it last answered 1m1s ago"), std::string::npos);
  EXPECT_EQ(monitor.Readyz().status, 200) << "a restart is for /livez to ask for";
  monitor.NoteAnswer();
  EXPECT_EQ(monitor.Livez().status, 200);
}

}  // namespace
}  // namespace pmem::driver
