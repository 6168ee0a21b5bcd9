// SPDX-License-Identifier: Apache-2.0
// Volumes while others are at work.
#include <functional>
#include <future>
#include <thread>

#include "tests/unit/csi-driver/node_fixture.h"

namespace pmem::driver {
namespace {

using Calls = std::vector<std::string>;
using BusyVolumesTest = NodeFixture;

// To overwrite terabytes again takes longer than others are busy for.
TEST_F(BusyVolumesTest, ErasesOnceThoughOthersAreBusyMeanwhile) {
  Volumes volumes(&devices_, &host_, Erasure::kAll, absl::Milliseconds(20));
  const auto create = [&volumes](const char* name, const std::function<absl::Status()>& wanted) {
    return volumes.Create({.name = name, .kind = "lvm", .check_wanted = wanted}).status();
  };
  ASSERT_TRUE(create("disk-1", absl::OkStatus).ok());
  std::promise<void> is_busy, may_end;
  std::thread busy, impatient;
  host_.erases = [&] {
    busy = std::thread([&] {
      EXPECT_TRUE(absl::IsUnavailable(create("disk-2", [&] {
        is_busy.set_value();
        may_end.get_future().wait();
        return absl::UnavailableError("503");
      })));
    });
    is_busy.get_future().wait();
    impatient = std::thread([&] {
      for (int i = 0; i < 5; ++i) {
        EXPECT_TRUE(absl::IsAborted(create("disk-3", absl::OkStatus)));
      }
      may_end.set_value();
    });
  };
  EXPECT_TRUE(volumes.Delete("disk-1").ok());
  busy.join();
  impatient.join();
  EXPECT_EQ(host_.calls, (Calls{"erase /dev/fake/disk-1"}));
}

// A pod starts though volumes are being made for others.
TEST_F(BusyVolumesTest, OpensWhatIsReadyWhileOthersAreMade) {
  const auto volume = Make("disk-1", "lvm", kGiB);
  ASSERT_TRUE(volume.ok());
  Volumes busy(&devices_, &host_, Erasure::kAll, absl::ZeroDuration());
  const auto open = [&] {
    store_.is_ready = true;
    EXPECT_EQ(busy.Open(*volume).value_or(""), "/dev/fake/disk-1");
    store_.is_ready = false;
    EXPECT_TRUE(absl::IsAborted(busy.Open(*volume).status()));
    return absl::OkStatus();
  };
  EXPECT_TRUE(busy.Create({.name = "disk-2", .kind = "lvm", .check_wanted = open}).ok());
  EXPECT_EQ(store_.opens, 0);
}

TEST_F(BusyVolumesTest, AbortsASecondCallForTheSameVolume) {
  const auto turn = volumes_.TakeTurn("disk-1");
  ASSERT_TRUE(turn.ok());
  EXPECT_TRUE(absl::IsAborted(Make("disk-1", "lvm", kGiB).status()));
  EXPECT_TRUE(absl::IsAborted(volumes_.Delete("disk-1")));
  EXPECT_TRUE(Make("disk-2", "lvm", kGiB).ok());
}

// Its own call is about to remove it. It may be of a claim that ended, whose room was promised
// anew.
TEST_F(BusyVolumesTest, IsNotFullWhileSomebodyElseHasWhatWasLeftHalfMade) {
  ASSERT_TRUE(FakeMaker(&store_).Create({"region1", "new-disk-9"}, 8 * kGiB).ok());
  {
    const auto turn = volumes_.TakeTurn("disk-9");
    ASSERT_TRUE(turn.ok());
    EXPECT_TRUE(absl::IsUnavailable(Make("disk-1", "direct", 8 * kGiB).status()));
    EXPECT_TRUE(absl::IsResourceExhausted(Make("disk-1", "lvm", 9 * kGiB).status()));
  }
  EXPECT_TRUE(absl::IsResourceExhausted(Make("disk-1", "direct", 9 * kGiB).status()));
  EXPECT_TRUE(Make("disk-1", "direct", 8 * kGiB).ok());
}

TEST_F(BusyVolumesTest, LooksAgainForWhatWasLeftHalfMadeAndSomebodyElseHad) {
  ASSERT_TRUE(FakeMaker(&store_).Create({"region1", "new-disk-9"}, kGiB).ok());
  {
    const auto turn = volumes_.TakeTurn("disk-9");
    ASSERT_TRUE(turn.ok());
    EXPECT_TRUE(volumes_.RemoveUnfinished().empty());
    EXPECT_TRUE(volumes_.MayHaveUnfinished());
  }
  EXPECT_EQ(volumes_.RemoveUnfinished(), (std::vector<std::string>{"new-disk-9"}));
  EXPECT_FALSE(volumes_.MayHaveUnfinished());
}

}  // namespace
}  // namespace pmem::driver
