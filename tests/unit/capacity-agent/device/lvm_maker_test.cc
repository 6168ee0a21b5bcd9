// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/device/lvm_maker.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace pmem::agent {
namespace {

namespace fs = std::filesystem;

// An lvm that does what the test says, and notes what it is called for.
class SlowLvm : public testing::Test {
 protected:
  SlowLvm() : program_(testing::TempDir() + "/slow-lvm-" + std::to_string(::getpid())) {}
  ~SlowLvm() override {
    fs::remove(program_);
    fs::remove(program_ + ".calls");
  }
  void Does(const std::string& what) const {
    std::ofstream(program_) << "#!/bin/sh\necho $1 >>" << program_ << ".calls\n" << what << "\n";
    fs::permissions(program_, fs::perms::owner_all);
  }
  std::string Calls() const {
    std::stringstream text;
    text << std::ifstream(program_ + ".calls").rdbuf();
    return text.str();
  }
  LvmMaker Maker(absl::Duration timeout) const {
    return LvmMaker(program_, timeout, [] { return std::vector<std::string>{"pmem0"}; });
  }
  const std::string program_;
};

// However long its room took: a claim that ended meanwhile has lost it to another.
TEST_F(SlowLvm, TakesBackTheRoomOfWhatIsNotWantedOnceItIsTaken) {
  Does("sleep 0.4");
  const absl::Status gone = absl::FailedPreconditionError("the claim is gone");
  const auto look = [this, &gone] {
    EXPECT_EQ(Calls(), "lvcreate\n");
    return gone;
  };
  EXPECT_EQ(Maker(absl::Seconds(60)).Create({"pmemvgregion0", "disk-1"}, 4194304, look), gone);
  EXPECT_EQ(Calls(), "lvcreate\nlvremove\n");
}

TEST_F(SlowLvm, HasLongerToWriteThanToRead) {
  Does("sleep 1.2");
  EXPECT_TRUE(Maker(absl::Seconds(1)).Remove({"pmemvgregion0", "disk-1"}).ok());
}

// As LVM does between two VolumeGroups, and while it waits for one's lock.
TEST_F(SlowLvm, IsInterruptedBeforeItIsKilled) {
  Does("trap 'echo interrupted >>" + program_ + ".calls; exit 5' INT\nsleep 60 & wait");
  const absl::Status removed = Maker(absl::Milliseconds(400)).Remove({"pmemvgregion0", "disk-1"});
  EXPECT_TRUE(absl::IsDeadlineExceeded(removed)) << removed;
  EXPECT_EQ(Calls(), "lvremove\ninterrupted\n");
}

TEST(LvmMaker, SaysWhichCallFailed) {
  LvmMaker maker("false", absl::Seconds(60));
  EXPECT_EQ(maker.Remove({"pmemvgregion0", "disk-1"}).message(),
            "false lvremove --yes --force pmemvgregion0/disk-1: exit status 1: ");
}

// A node of which the volume's device is a file, and an lvm that notes its calls and resumes it.
class SuspendedVolume : public testing::Test {
 protected:
  SuspendedVolume() {
    fs::create_directories(root_ / "dev/mapper");
    fs::create_directories(sysfs_ / "dm");
    fs::create_directories(sysfs_ / "slaves/pmem0");
    std::ofstream(root_ / "dev/mapper/pmemvgregion0-disk--1");
    SetSuspended("1");
    SetName("pmemvgregion0-disk--1");
    std::ofstream(root_ / "lvm") << "#!/bin/sh\necho \"$1 $2 $3 $4\" >>" << root_.string()
                                 << "/calls\necho 0 >" << sysfs_.string() << "/dm/suspended\n";
    fs::permissions(root_ / "lvm", fs::perms::owner_all);
  }
  ~SuspendedVolume() override { fs::remove_all(root_); }

  void SetSuspended(const char* value) { std::ofstream(sysfs_ / "dm/suspended") << value << "\n"; }
  void SetName(const char* name) { std::ofstream(sysfs_ / "dm/name") << name << "\n"; }
  // A device of that name between the one there and what it lies on: where it is.
  static fs::path PutUnder(const fs::path& device, const char* slave, const char* name) {
    const fs::path under = device / "slaves" / slave;
    fs::create_directories(under / "dm");
    fs::create_directories(under / "slaves");
    std::ofstream(under / "dm/name") << name << "\n";
    fs::rename(device / "slaves/pmem0", under / "slaves/pmem0");
    return under;
  }
  std::string Calls() const {
    std::stringstream text;
    text << std::ifstream(root_ / "calls").rdbuf();
    return text.str();
  }

  const fs::path root_ = testing::TempDir() + "/suspended-" + std::to_string(::getpid());
  const fs::path sysfs_ = root_ / "sys/dev/block/0:0";
  const VolumePlace place_ = {"pmemvgregion0", "disk-1"};
  LvmMaker maker_{(root_ / "lvm").string(), absl::Seconds(60),
                  [] { return std::vector<std::string>{"pmem0"}; }, root_.string()};
};

constexpr char kRefresh[] = "lvchange --yes --refresh pmemvgregion0/disk-1\n";

TEST_F(SuspendedVolume, IsResumedWhenItIsOpened) {
  const auto device = maker_.Open(place_);
  ASSERT_TRUE(device.ok()) << device.status();
  EXPECT_EQ(Calls(), kRefresh);
  EXPECT_TRUE(maker_.Open(place_).ok());
  EXPECT_EQ(Calls(), kRefresh) << "once";
}

TEST_F(SuspendedVolume, IsThereAtOnceOnlyWhenItIsResumed) {
  EXPECT_EQ(maker_.OpenDevice(place_), std::nullopt);
  SetSuspended("0");
  EXPECT_EQ(maker_.OpenDevice(place_), (root_ / "dev/mapper/pmemvgregion0-disk--1").string());
  SetName("pmemvgregion0-disk--2");
  EXPECT_EQ(maker_.OpenDevice(place_), std::nullopt) << "another volume's";
  SetName("pmemvgregion0-disk--1");
  fs::rename(sysfs_ / "slaves/pmem0", sysfs_ / "slaves/loop0");
  EXPECT_EQ(maker_.OpenDevice(place_), std::nullopt) << "another VolumeGroup's";
  EXPECT_EQ(Calls(), "");
}

TEST_F(SuspendedVolume, IsResumedBeforeItGrows) {
  EXPECT_TRUE(maker_.Extend(place_, 8388608).ok());
  EXPECT_EQ(Calls(), std::string(kRefresh) + "lvextend --yes --size 8388608b\n");
}

TEST_F(SuspendedVolume, IsNotUsedWhileItStaysSo) {
  std::ofstream(root_ / "lvm") << "#!/bin/sh\n";
  EXPECT_TRUE(absl::IsUnavailable(maker_.Open(place_).status()));
}

// As when a pod's own VolumeGroup pmemvgregion0 was activated before the node's.
TEST_F(SuspendedVolume, OfAnotherVolumeGroupIsNotTouched) {
  fs::rename(sysfs_ / "slaves/pmem0", sysfs_ / "slaves/loop0");
  EXPECT_TRUE(absl::IsFailedPrecondition(maker_.Open(place_).status()));
  EXPECT_EQ(Calls(), "");
}

// Somebody made a snapshot of it, and pvmove moves what is under it.
TEST_F(SuspendedVolume, IsOursWithLayersOfLvmUnderIt) {
  const fs::path real = PutUnder(sysfs_, "dm-3", "pmemvgregion0-disk--1-real");
  const auto device = maker_.Open(place_);
  EXPECT_TRUE(device.ok()) << device.status();
  PutUnder(real, "dm-4", "pmemvgregion0-pvmove0");
  EXPECT_TRUE(maker_.Open(place_).ok());
}

// As the VolumeGroup that a pod made in its block volume: that lies on the node's, too.
TEST_F(SuspendedVolume, OnAnotherVolumeIsNotTouched) {
  const fs::path real = PutUnder(sysfs_, "dm-3", "");
  for (const char* const name :
       {"pmemvgregion0-disk--2", "pmemvgregion0-disk--2-real", "pmemvgregion0-pvmove",
        "pmemvgregion0-pvmove--0", "pmemvgregion1-pvmove0", ""}) {
    std::ofstream(real / "dm/name") << name << "\n";
    EXPECT_TRUE(absl::IsFailedPrecondition(maker_.Open(place_).status())) << name;
  }
  std::ofstream(real / "dm/name") << "pmemvgregion0-disk--1-real\n";
  const fs::path under = PutUnder(real, "dm-4", "pmemvgregion0-disk--2");
  EXPECT_TRUE(absl::IsFailedPrecondition(maker_.Open(place_).status())) << "with a snapshot";
  std::ofstream(under / "dm/name") << "pmemvgregion0-pvmove0\n";
  PutUnder(under, "dm-5", "pmemvgregion0-pvmove1");
  EXPECT_TRUE(absl::IsFailedPrecondition(maker_.Open(place_).status())) << "no end of layers";
  EXPECT_EQ(Calls(), "");
}

// A link of /dev/mapper is udev's to remove: until then it leads to whoever has the number next.
TEST_F(SuspendedVolume, IsNotTakenForAnotherThatHasItsNumber) {
  for (const char* const name : {"pmemvgregion0-disk--2", "disk--1", "0-pmemvgregion0-disk--1"}) {
    SetName(name);
    const absl::Status opened = maker_.Open(place_).status();
    EXPECT_TRUE(absl::IsUnavailable(opened)) << name << opened;
  }
  fs::remove(sysfs_ / "dm/name");
  EXPECT_TRUE(absl::IsUnavailable(maker_.Open(place_).status()));
  EXPECT_EQ(Calls(), "");
}

}  // namespace
}  // namespace pmem::agent
