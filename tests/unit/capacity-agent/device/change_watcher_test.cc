// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/device/change_watcher.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "capacity-agent/device/boot_id.h"
#include "capacity-agent/device/simulated_reader.h"
#include "common/io/mutex.h"

namespace pmem::agent {
namespace {

// Counts changes and waits for the next one.
class Changes {
 public:
  void Add() {
    MutexLock lock(&mu_);
    ++seen_;
    changed_.SignalAll();
  }
  // Whether one came that was not awaited yet.
  bool AwaitNext() {
    MutexLock lock(&mu_);
    for (int i = 0; i < 100 && seen_ == awaited_; ++i) {
      changed_.WaitWithTimeout(&mu_, absl::Milliseconds(100));
    }
    const bool is_new = seen_ > awaited_;
    awaited_ = seen_;
    return is_new;
  }

 private:
  Mutex mu_;
  CondVar changed_;
  int seen_ ABSL_GUARDED_BY(mu_) = 0;
  int awaited_ ABSL_GUARDED_BY(mu_) = 0;
};

class ChangeWatcherTest : public testing::Test {
 protected:
  ChangeWatcherTest() {
    std::string directory = testing::TempDir() + "/watcher-XXXXXX";
    EXPECT_NE(mkdtemp(directory.data()), nullptr);
    directory_ = directory;
  }
  ~ChangeWatcherTest() override { std::filesystem::remove_all(directory_); }

  void Write(const std::string& name, const std::string& text) {
    FILE* const file = std::fopen((directory_ + "/" + name).c_str(), "w");
    std::fputs(text.c_str(), file);
    std::fclose(file);
  }
  std::unique_ptr<ChangeWatcher> Watch(ChangeWatcher::Options options) {
    options.quiet = absl::Milliseconds(1);
    auto watcher = std::make_unique<ChangeWatcher>(std::move(options), [this] { changes_.Add(); });
    problems_ = watcher->Start();
    return watcher;
  }

  std::string directory_;
  Changes changes_;
  std::vector<absl::Status> problems_;
};

TEST_F(ChangeWatcherTest, AFileThatIsWrittenOrReplacedOrRemovedIsSeen) {
  const auto watcher = Watch({.file = directory_ + "/devices.json"});
  EXPECT_TRUE(problems_.empty());
  Write("devices.json", "{}");
  EXPECT_TRUE(changes_.AwaitNext());
  Write("new", "{}");
  std::filesystem::rename(directory_ + "/new", directory_ + "/devices.json");
  EXPECT_TRUE(changes_.AwaitNext());
  std::filesystem::remove(directory_ + "/devices.json");
  EXPECT_TRUE(changes_.AwaitNext());
}

// As the kubelet lays out a ConfigMap: the file's own name never changes.
TEST_F(ChangeWatcherTest, AFileOfAConfigMapThatIsSwappedIsSeen) {
  for (const std::string version : {"..1", "..2"}) {
    std::filesystem::create_directory(directory_ + "/" + version);
    Write(version + "/devices.json", version);
  }
  std::filesystem::create_symlink("..1", directory_ + "/..data");
  std::filesystem::create_symlink("..data/devices.json", directory_ + "/devices.json");
  const auto watcher = Watch({.file = directory_ + "/devices.json"});
  std::filesystem::create_symlink("..2", directory_ + "/..data_tmp");
  std::filesystem::rename(directory_ + "/..data_tmp", directory_ + "/..data");
  EXPECT_TRUE(changes_.AwaitNext());
}

TEST_F(ChangeWatcherTest, ADeviceThatIsClosedAfterWritingIsSeen) {
  Write("pmem0", "");
  const auto watcher = Watch({.device_directory = directory_});
  Write("pmem0", "metadata");
  EXPECT_TRUE(changes_.AwaitNext());
}

TEST_F(ChangeWatcherTest, ANewDeviceIsSeenAndWatched) {
  const auto watcher = Watch({.device_directory = directory_});
  Write("pmem7", "");
  EXPECT_TRUE(changes_.AwaitNext());
  // Its first close may still have been on the way.
  Write("pmem7", "metadata");
  EXPECT_TRUE(changes_.AwaitNext());
}

TEST_F(ChangeWatcherTest, WhatCannotBeWatchedIsTold) {
  const auto watcher = Watch({.file = directory_ + "/nowhere/devices.json"});
  ASSERT_EQ(problems_.size(), 1u);
  EXPECT_EQ(problems_[0].code(), absl::StatusCode::kNotFound);
}

TEST_F(ChangeWatcherTest, StopsWhileNothingHappens) {
  const auto watcher = Watch({.watches_kernel = true, .file = directory_ + "/devices.json"});
  watcher->Stop();
  watcher->Stop();
}

TEST_F(ChangeWatcherTest, SimulatedDevicesAreReadAnewEachTime) {
  SimulatedReader reader(directory_ + "/devices.json");
  EXPECT_EQ(reader.Read().status().code(), absl::StatusCode::kNotFound);
  Write("devices.json", R"({"regions":[{"name":"r","size_bytes":1}]})");
  EXPECT_EQ(reader.Read()->regions.size(), 1u);
  Write("devices.json", "{");
  const auto devices = reader.Read();
  EXPECT_EQ(devices.status(),
            absl::InvalidArgumentError(directory_ + "/devices.json: not JSON at byte 2"));
}

TEST_F(ChangeWatcherTest, TheBootIdIsOneWord) {
  EXPECT_EQ(ReadBootId()->size(), 36u);
  Write("boot_id", "b 0\n");
  EXPECT_EQ(ReadBootId(directory_ + "/boot_id").status().code(),
            absl::StatusCode::kInvalidArgument);
  Write("boot_id", "\n");
  EXPECT_FALSE(ReadBootId(directory_ + "/boot_id").ok());
}

TEST(Boot, ALaterAgentOfTheSameBootStartsAbove) {
  const int64_t first = MicrosecondsSinceBoot();
  EXPECT_GT(first, 0);
  EXPECT_GE(MicrosecondsSinceBoot(), first);
}

}  // namespace
}  // namespace pmem::agent
