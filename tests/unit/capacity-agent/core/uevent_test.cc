// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/core/uevent.h"

#include <gtest/gtest.h>

#include <string>

namespace pmem::agent {
namespace {

// Parts are separated by NUL, as the kernel sends them.
std::string Message(std::string text) {
  std::replace(text.begin(), text.end(), '|', '\0');
  return text + '\0';
}

struct UeventCase {
  const char* name;
  std::string text;
  bool is_change;
  friend void PrintTo(const UeventCase& c, std::ostream* out) { *out << c.name; }
};

class Uevent : public testing::TestWithParam<UeventCase> {};

TEST_P(Uevent, ChangesPoolsOrNot) {
  EXPECT_EQ(IsDeviceChange(Message(GetParam().text)), GetParam().is_change);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, Uevent,
    testing::Values(
        UeventCase{"NewNamespace", "add@/devices/x|ACTION=add|SUBSYSTEM=nd|DEVTYPE=nd_pfn", true},
        UeventCase{"RoomThatTheDriverTook",
                   "change@/devices/x|ACTION=change|SUBSYSTEM=nd|SYNTH_UUID=0|DEVTYPE=nd_pmem",
                   true},
        UeventCase{"NewDax", "add@/devices/x|ACTION=add|SUBSYSTEM=dax|DEVNAME=dax1.2", true},
        UeventCase{"LvmMetadata",
                   "change@/devices/x|ACTION=change|SUBSYSTEM=block|DEVNAME=pmem0|SYNTH_UUID=0",
                   true},
        UeventCase{"LogicalVolume", "remove@/devices/x|SUBSYSTEM=block|DEVNAME=dm-3", true},
        UeventCase{"OtherDisk", "change@/devices/x|SUBSYSTEM=block|DEVNAME=sda", false},
        UeventCase{"LoopDevice", "change@/devices/x|SUBSYSTEM=block|DEVNAME=loop0", false},
        UeventCase{"BackingDevice", "add@/devices/x|SUBSYSTEM=bdi", false},
        UeventCase{"NameInThePathOnly", "add@/devices/SUBSYSTEM=nd|SUBSYSTEM=net", false},
        UeventCase{"OtherField", "add@/devices/x|XSUBSYSTEM=nd", false},
        UeventCase{"BlockWithoutName", "add@/devices/x|SUBSYSTEM=block", false},
        UeventCase{"UdevsOwn", std::string("libudev|\xfe\xed\xca\xfe", 12), false},
        UeventCase{"Empty", "", false}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace pmem::agent
