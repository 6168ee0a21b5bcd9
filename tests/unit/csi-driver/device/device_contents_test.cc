// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/device/device_contents.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "capacity-agent/device/erase.h"
#include "common/pure/units.h"
#include "csi-driver/core/format.h"

namespace pmem::driver {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMarkBeforeEnd = 160 * kKiB;

// A file of zeros as a device.
class DeviceContents : public testing::Test {
 protected:
  DeviceContents() { SetSize(8 * kMiB); }
  ~DeviceContents() override { fs::remove(path_); }

  void SetSize(int64_t bytes) {
    std::ofstream(path_, std::ios::app);
    fs::resize_file(path_, static_cast<uintmax_t>(bytes));
  }
  void Put(int64_t at, std::string_view what) {
    std::fstream(path_, std::ios::in | std::ios::out).seekp(at) << what;
  }
  std::string At(int64_t at, size_t bytes) {
    std::string text(bytes, '?');
    std::ifstream(path_).seekg(at).read(text.data(), static_cast<std::streamsize>(bytes));
    return text;
  }
  bool IsAllZeros() {
    const auto bytes = static_cast<size_t>(fs::file_size(path_));
    return At(0, bytes) == std::string(bytes, '\0');
  }

  const std::string path_ = testing::TempDir() + "/device-" + std::to_string(::getpid());
};

TEST_F(DeviceContents, WhereItsStartIsZerosThereIsNoData) {
  EXPECT_EQ(DataOn(path_).value_or("?"), "");
  EXPECT_EQ(DataOnVolume(path_).value_or("?"), "");
  Put(agent::kSignatureBytes, "x");
  EXPECT_EQ(DataOn(path_).value_or("?"), "") << "behind what is wiped of each new volume";
}

TEST_F(DeviceContents, AnyByteOfItsStartIsData) {
  for (const int64_t at : {agent::kSignatureBytes - 1, kMiB, int64_t{4096}, int64_t{0}}) {
    Put(at, "x");
    const std::string said = "something at byte " + std::to_string(at);
    EXPECT_EQ(DataOn(path_).value_or("?"), said);
    EXPECT_EQ(DataOnVolume(path_).value_or("?"), said);
  }
}

TEST_F(DeviceContents, ACopyOfAnExt4SuperblockIsNamed) {
  SetSize(kExt4BackupBlock * kBlockBytes + kMiB);
  Put(kMiB, "x");
  Put(kExt4BackupBlock * kBlockBytes + 0x38, "\x53\xEF");
  EXPECT_EQ(DataOn(path_).value_or("?"),
            "something at byte 1048576, the copy of an ext4 superblock at block 32768");
}

TEST_F(DeviceContents, WhatAKilledMkfsLeftOnAVolumeIsNoData) {
  Put(4096, "descriptors");
  ASSERT_TRUE(MarkFormatting(path_).ok());
  EXPECT_EQ(DataOnVolume(path_).value_or("?"), "");
  EXPECT_EQ(DataOn(path_).value_or("?"), "something at byte 4096") << "of nothing but volumes";
  ASSERT_TRUE(UnmarkFormatting(path_).ok());
  EXPECT_EQ(DataOnVolume(path_).value_or("?"), "something at byte 4096");
}

TEST_F(DeviceContents, TheMarkTakesItsOwnBlockAlone) {
  const std::string before(512, 'b');
  const std::string behind(512, 'a');
  const int64_t at = 8 * kMiB - kMarkBeforeEnd;
  Put(at - 512, before);
  Put(at + 512, behind);
  ASSERT_TRUE(MarkFormatting(path_).ok());
  EXPECT_NE(At(at, 512), std::string(512, '\0'));
  ASSERT_TRUE(UnmarkFormatting(path_).ok());
  EXPECT_EQ(At(at - 512, 1536), before + std::string(512, '\0') + behind);
}

// It is somebody's data then.
TEST_F(DeviceContents, WhatIsNotQuiteTheMarkIsNeitherBelievedNorTakenAway) {
  ASSERT_TRUE(MarkFormatting(path_).ok());
  const int64_t at = 8 * kMiB - kMarkBeforeEnd;
  Put(at + 511, "x");
  Put(0, "x");
  const std::string block = At(at, 512);
  EXPECT_EQ(DataOnVolume(path_).value_or("?"), "something at byte 0");
  EXPECT_TRUE(UnmarkFormatting(path_).ok());
  EXPECT_EQ(At(at, 512), block);
}

TEST_F(DeviceContents, NothingIsWrittenWhereNoMarkIs) {
  EXPECT_TRUE(UnmarkFormatting(path_).ok());
  EXPECT_TRUE(IsAllZeros());
}

TEST_F(DeviceContents, AMarkThatIsNotAtTheEndAnyMoreIsNone) {
  Put(0, "x");
  ASSERT_TRUE(MarkFormatting(path_).ok());
  SetSize(16 * kMiB);
  EXPECT_EQ(DataOnVolume(path_).value_or("?"), "something at byte 0");
}

TEST_F(DeviceContents, OfADeviceThatIsNotThereNothingIsSaid) {
  const std::string gone = path_ + "-gone";
  EXPECT_TRUE(absl::IsNotFound(ReadStart(gone, 512).status()));
  EXPECT_TRUE(absl::IsNotFound(DataOn(gone).status()));
  EXPECT_TRUE(absl::IsNotFound(DataOnVolume(gone).status()));
  EXPECT_TRUE(absl::IsNotFound(MarkFormatting(gone)));
  EXPECT_FALSE(fs::exists(gone));
}

// As a media error is: reading it fails (this process has no memory at address 0).
TEST(DamagedDevice, IsNotTakenForAnEmptyOne) {
  EXPECT_TRUE(absl::IsUnavailable(ReadStart("/proc/self/mem", 512).status()));
  EXPECT_TRUE(absl::IsUnavailable(DataOn("/proc/self/mem").status()));
}

}  // namespace
}  // namespace pmem::driver
