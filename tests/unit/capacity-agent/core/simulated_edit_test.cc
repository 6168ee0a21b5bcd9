// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/core/simulated_edit.h"

#include <gtest/gtest.h>

#include <string>

#include "capacity-agent/core/lvm_commands.h"

namespace pmem::agent {
namespace {

// Members in the order of the edited text: by name, the changed array last.
constexpr char kDevices[] =
    R"({"comment":"kept","regions":[{"align_bytes":10,"label_slots":3,"name":"r","size_bytes":100,)"
    R"("namespaces":[{"mode":"devdax","name":"a","offset_bytes":0,"size_bytes":10},)"
    R"({"name":"b","offset_bytes":30,"size_bytes":10}]}],)"
    R"("volume_groups":[{"extent_size_bytes":10,"name":"g","size_bytes":100,)"
    R"("volumes":[{"name":"c","owner":"me","size_bytes":10}]}]})";

std::string With(const std::string& text, const std::string& part, const std::string& instead) {
  std::string changed = text;
  changed.replace(changed.find(part), part.size(), instead);
  return changed;
}

TEST(SimulatedEdit, AddsToAVolumeGroupAndKeepsTheRest) {
  EXPECT_EQ(*RemoveSimulatedVolume(*AddSimulatedVolume(kDevices, "g", "d", 20), "g", "d"),
            *RemoveSimulatedVolume(kDevices, "g", "d"));
  EXPECT_NE(
      AddSimulatedVolume(kDevices, "g", "d", 20)
          ->find(R"({"name":"c","owner":"me","size_bytes":10},{"name":"d","size_bytes":20}])"),
      std::string::npos);
}

// As the kernel does, though a smaller one would do.
TEST(SimulatedEdit, AddsToTheLowestGapThatIsLargeEnough) {
  const std::string smaller_behind = With(kDevices, R"("offset_bytes":30)", R"("offset_bytes":60)");
  EXPECT_NE(AddSimulatedVolume(smaller_behind, "r", "d", 30)
                ->find(R"("offset_bytes":10,"size_bytes":30)"),
            std::string::npos);
  EXPECT_NE(
      AddSimulatedVolume(kDevices, "r", "d", 20)->find(R"("offset_bytes":10,"size_bytes":20)"),
      std::string::npos);
  EXPECT_NE(
      AddSimulatedVolume(kDevices, "r", "d", 30)->find(R"("offset_bytes":40,"size_bytes":30)"),
      std::string::npos);
}

TEST(SimulatedEdit, RefusesWhatDoesNotFit) {
  EXPECT_TRUE(absl::IsResourceExhausted(AddSimulatedVolume(kDevices, "g", "d", 100).status()));
  EXPECT_TRUE(absl::IsResourceExhausted(AddSimulatedVolume(kDevices, "r", "d", 70).status()));
  const auto last = AddSimulatedVolume(kDevices, "r", "d", 10);
  EXPECT_TRUE(absl::IsResourceExhausted(AddSimulatedVolume(*last, "r", "e", 10).status()));
  EXPECT_TRUE(absl::IsAlreadyExists(AddSimulatedVolume(kDevices, "g", "a", 10).status()));
  EXPECT_TRUE(absl::IsNotFound(AddSimulatedVolume(kDevices, "x", "d", 10).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(AddSimulatedVolume("{", "g", "d", 10).status()));
}

TEST(SimulatedEdit, ResizesWithinTheRoomOfTheGroup) {
  EXPECT_NE(ResizeSimulatedVolume(kDevices, "g", "c", 100)->find(R"("name":"c","size_bytes":100)"),
            std::string::npos);
  EXPECT_TRUE(absl::IsResourceExhausted(ResizeSimulatedVolume(kDevices, "g", "c", 110).status()));
  EXPECT_TRUE(absl::IsNotFound(ResizeSimulatedVolume(kDevices, "g", "z", 10).status()));
  EXPECT_TRUE(absl::IsNotFound(ResizeSimulatedVolume(kDevices, "r", "a", 10).status()));
}

TEST(SimulatedEdit, RemovesAndLeavesWhatIsNotThere) {
  const auto without = RemoveSimulatedVolume(kDevices, "r", "b");
  EXPECT_EQ(*without, With(kDevices, R"(,{"name":"b","offset_bytes":30,"size_bytes":10})", ""));
  EXPECT_EQ(*RemoveSimulatedVolume(*without, "r", "b"), *without);
}

TEST(LvmCommands, NameTheDeviceWithDoubledDashes) {
  EXPECT_EQ(MapperPath("pmemvgregion0", "disk-334cb6fa-fabd"),
            "/dev/mapper/pmemvgregion0-disk--334cb6fa--fabd");
}

TEST(LvmCommands, AskForWholeBytes) {
  const std::vector<std::string> arguments = LvmCreateArguments("g", "n", 4194304);
  EXPECT_EQ(arguments.front(), "lvcreate");
  EXPECT_NE(std::find(arguments.begin(), arguments.end(), "4194304b"), arguments.end());
}

TEST(LvmCommands, MakeAGroupThatBelongsToNoHost) {
  const std::vector<std::string> arguments = LvmCreateGroupArguments("g", "/dev/pmem0", false);
  const auto option = std::find(arguments.begin(), arguments.end(), "--systemid");
  ASSERT_LT(option + 1, arguments.end());
  EXPECT_EQ(*(option + 1), "");
}

}  // namespace
}  // namespace pmem::agent
