// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/device/linux_host.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "common/pure/units.h"
#include "csi-driver/core/format.h"
#include "csi-driver/device/device_contents.h"

namespace pmem::driver {
namespace {

namespace fs = std::filesystem;

// A file of zeros as a device, and programs that are what a test makes of them: they go before
// those of the machine.
class LinuxHostTest : public testing::Test {
 protected:
  LinuxHostTest() {
    fs::create_directories(root_ / "programs");
    std::ofstream(device_).flush();
    fs::resize_file(device_, 8 * kMiB);
    ::setenv("PATH", (root_.string() + "/programs:" + path_before_).c_str(), 1);
  }
  ~LinuxHostTest() override {
    ::setenv("PATH", path_before_.c_str(), 1);
    fs::remove_all(root_);
  }

  void SetProgram(const std::string& name, const std::string& script) {
    const fs::path path = root_ / "programs" / name;
    std::ofstream(path) << "#!/bin/sh\n" << script << "\n";
    fs::permissions(path, fs::perms::owner_all);
  }
  // Ends as blkid does where it finds nothing.
  void SetNothingFound() { SetProgram("blkid", "exit 2"); }
  void Put(int64_t at, std::string_view what) {
    std::fstream(device_, std::ios::in | std::ios::out).seekp(at) << what;
  }
  bool IsMarked() {
    Put(0, "x");
    return DataOnVolume(device_).value_or("?").empty();
  }

  const std::string path_before_ = std::getenv("PATH");
  const fs::path root_ = testing::TempDir() + "/linux-host-" + std::to_string(::getpid());
  const std::string device_ = root_ / "device";
  LinuxHost host_{absl::Seconds(20)};
};

TEST_F(LinuxHostTest, FindsWhatBlkidNames) {
  SetNothingFound();
  EXPECT_EQ(host_.FileSystemOn(device_).value_or("?"), "");
  SetProgram("blkid",
             "echo TYPE=ext4; echo USAGE=filesystem; echo \"$@\" >" + root_.string() + "/said");
  EXPECT_EQ(host_.FileSystemOn(device_).value_or("?"), "ext4");
  std::stringstream said;
  said << std::ifstream(root_ / "said").rdbuf();
  EXPECT_EQ(said.str(), "--probe --output export " + device_ + "\n");
}

TEST_F(LinuxHostTest, ADeviceThatCannotBeReadIsNotTakenForAnEmptyOne) {
  SetNothingFound();
  EXPECT_TRUE(absl::IsUnavailable(host_.FileSystemOn("/proc/self/mem").status()));
  EXPECT_TRUE(absl::IsNotFound(host_.FileSystemOn(device_ + "-gone").status()));
}

TEST_F(LinuxHostTest, AProbeThatFailsSaysNothingOfTheDevice) {
  for (const char* const end : {"exit 1", "exit 4", "exit 8", "kill -9 $$"}) {
    SetProgram("blkid", end);
    const auto found = host_.FileSystemOn(device_);
    EXPECT_TRUE(absl::IsUnavailable(found.status())) << end << found.status();
  }
}

TEST_F(LinuxHostTest, WhatIsNoFileSystemIsNamed) {
  SetProgram("blkid", "echo TYPE=LVM2_member; echo USAGE=raid");
  EXPECT_TRUE(absl::IsFailedPrecondition(host_.FileSystemOn(device_).status()));
  SetProgram("blkid", "echo PTTYPE=gpt");
  EXPECT_TRUE(absl::IsFailedPrecondition(host_.FileSystemOn(device_).status()));
  SetProgram("blkid", "exit 0");
  EXPECT_TRUE(absl::IsFailedPrecondition(host_.FileSystemOn(device_).status())) << "not even named";
}

TEST_F(LinuxHostTest, TellsAnXfsThatIsNotFinished) {
  SetProgram("blkid", "echo TYPE=xfs; echo USAGE=filesystem");
  Put(0, "XFSB");
  EXPECT_EQ(host_.FileSystemOn(device_).value_or("?"), "xfs");
  Put(kXfsMarkEnd - 1, "\x01");
  EXPECT_EQ(host_.FileSystemOn(device_).value_or("?"), kUnfinishedXfs);
}

TEST_F(LinuxHostTest, MarksADeviceOnlyWhileItIsFormatted) {
  SetProgram("mkfs.ext4", "grep -aq 'mkfs is under way' " + device_);
  EXPECT_TRUE(host_.Format(device_, "ext4").ok());
  EXPECT_FALSE(IsMarked());
  SetProgram("mkfs.ext4", "exit 1");
  EXPECT_TRUE(absl::IsUnavailable(host_.Format(device_, "ext4")));
  EXPECT_TRUE(IsMarked());
  EXPECT_TRUE(host_.FinishFormat(device_).ok());
  EXPECT_FALSE(IsMarked());
}

TEST_F(LinuxHostTest, RunsNoMkfsWhereTheMarkCannotBeWritten) {
  SetProgram("mkfs.ext4", "touch " + root_.string() + "/ran");
  EXPECT_FALSE(host_.Format(device_ + "-gone", "ext4").ok());
  EXPECT_FALSE(fs::exists(root_ / "ran"));
}

TEST_F(LinuxHostTest, ReadsTheWholeStartForAGroupThatIsHalfMade) {
  Put(4100, std::string(" LVM2 x[5A%r0N*>\x01"));
  EXPECT_TRUE(host_.HasHalfMadeGroup(device_, "pmemvgregion0").value_or(false));
  Put(4 * kMiB - 1, "x");
  EXPECT_FALSE(host_.HasHalfMadeGroup(device_, "pmemvgregion0").value_or(true));
  EXPECT_FALSE(host_.HasHalfMadeGroup(device_ + "-gone", "pmemvgregion0").ok());
}

TEST_F(LinuxHostTest, ErasesNothingThatIsNoBlockDevice) {
  Put(0, "data");
  for (const Erasure erasure : {Erasure::kAll, Erasure::kSignatures}) {
    EXPECT_FALSE(host_.Erase(device_, erasure).ok());
  }
  EXPECT_EQ(DataOn(device_).value_or("?"), "something at byte 0");
}

TEST_F(LinuxHostTest, RemovesWhatIsEmptyAlone) {
  const fs::path path = root_ / "pod";
  EXPECT_TRUE(host_.RemovePath(path).ok()) << "it is not there";
  EXPECT_TRUE(host_.MakeDirectory(path).ok() && host_.MakeDirectory(path).ok());
  std::ofstream(path / "data") << "kept";
  EXPECT_TRUE(absl::IsFailedPrecondition(host_.RemovePath(path)));
  EXPECT_TRUE(absl::IsFailedPrecondition(host_.RemovePath(path / "data")));
  fs::create_symlink(path / "data", path / "link");
  EXPECT_TRUE(absl::IsFailedPrecondition(host_.RemovePath(path / "link")));
  EXPECT_TRUE(fs::exists(path / "data") && fs::exists(path / "link"));
  fs::remove(path / "link");
  fs::resize_file(path / "data", 0);
  EXPECT_TRUE(host_.MakeFile(path / "data").ok());
  EXPECT_TRUE(host_.RemovePath(path / "data").ok() && host_.RemovePath(path).ok());
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(LinuxHostTest, MakingAFileLeavesWhatIsInIt) {
  std::ofstream(root_ / "file") << "kept";
  EXPECT_TRUE(host_.MakeFile(root_ / "file").ok());
  EXPECT_EQ(fs::file_size(root_ / "file"), 4u);
}

TEST_F(LinuxHostTest, KnowsTheNumbersOfBlockDevicesAlone) {
  for (const std::string& path : {device_, device_ + "-gone", std::string("/dev/null")}) {
    EXPECT_TRUE(absl::IsNotFound(host_.DeviceNumber(path).status())) << path;
    EXPECT_FALSE(host_.CanDax(path)) << path;
  }
}

TEST_F(LinuxHostTest, FindsAMountHoweverItsPathIsWritten) {
  fs::create_directory_symlink("/proc", root_ / "link");
  for (const std::string& path : {std::string("/proc"), std::string("/proc/"),
                                  std::string("/dev/../proc"), (root_ / "link").string()}) {
    const auto mount = host_.MountAt(path);
    ASSERT_TRUE(mount.ok() && mount->has_value()) << path << mount.status();
    EXPECT_EQ((*mount)->type, "proc") << path;
  }
  EXPECT_EQ(host_.MountAt(root_).value_or(Mount{}), std::nullopt);
  EXPECT_TRUE(host_.Unmount(root_).ok()) << "nothing is mounted there";
}

TEST_F(LinuxHostTest, TellsHowFullAFileSystemIs) {
  const auto usage = host_.UsageAt(root_);
  ASSERT_TRUE(usage.ok()) << usage.status();
  EXPECT_FALSE(usage->is_block);
  EXPECT_GT(usage->total_bytes, 0);
  EXPECT_GE(usage->total_bytes, usage->used_bytes + usage->available_bytes);
  EXPECT_TRUE(absl::IsNotFound(host_.UsageAt(root_ / "gone").status()));
}

}  // namespace
}  // namespace pmem::driver
