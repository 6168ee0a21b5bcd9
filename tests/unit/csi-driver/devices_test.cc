// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/devices.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/support/wait_until.h"

namespace pmem::driver {
namespace {

constexpr int kCallers = 20;

// A reading that says its number.
struct CountedReading {
  SharedReading::Result operator()() {
    return agent::DeviceState{.regions = {{.name = std::to_string(++*count)}}};
  }
  int* count;
};

std::string NameIn(const SharedReading::Result& result) { return result->regions.at(0).name; }

// Behind an LVM that hangs: they come while a reading is under way, which may have passed by what
// they ask about.
TEST(SharedReading, OneReadingIsForAllWhoCameBeforeItBegan) {
  SharedReading reading;
  int count = 0;
  std::vector<std::string> found(kCallers);
  std::vector<std::thread> callers;
  const auto first = reading.Get([&] {
    for (int i = 0; i < kCallers; ++i) {
      callers.emplace_back([&reading, &count, &found, i] {
        found[i] = NameIn(reading.Get(CountedReading{&count}));
      });
    }
    EXPECT_TRUE(WaitUntil("all wait", [&reading] { return reading.waiting() >= kCallers; }));
    return CountedReading{&count}();
  });
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(NameIn(first), "1");
  EXPECT_EQ(found, std::vector<std::string>(kCallers, "2"));
  EXPECT_EQ(NameIn(reading.Get(CountedReading{&count})), "3");
}

TEST(SharedReading, AnErrorIsForAllToo) {
  SharedReading reading;
  EXPECT_TRUE(absl::IsUnavailable(
      reading.Get([]() -> SharedReading::Result { return absl::UnavailableError("lvm"); })
          .status()));
  int count = 0;
  EXPECT_EQ(NameIn(reading.Get(CountedReading{&count})), "1");
}

}  // namespace
}  // namespace pmem::driver
