// SPDX-License-Identifier: Apache-2.0
// PersistentVolumes that become free to be given. A scheduler may have heard of it before us.
#include <functional>

#include "tests/unit/extender/core/ledger_fixture.h"

namespace pmem::extender {
namespace {

// One node of 10 GiB, on which a volume by hand of 80 GiB is that no claim may get yet.
class LedgerVolumesTest : public LedgerTest {
 protected:
  LedgerVolumesTest() { Start(1, 10 * kGiB); }

  // A pod was answered without the volume. Once it is there to be given, what would another one be
  // answered that has no room without it?
  void ExpectKept(const PersistentVolume& before, const std::function<void()>& offer) {
    Apply(Seen<PersistentVolume>{before});
    EXPECT_EQ(FilterPod(AddPod(1, {MakeClaim(1, 6 * kGiB)})), (Names{"n1"}));
    offer();
    EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 14 * kGiB)})), Names{});
    EXPECT_TRUE(is_held_);
  }

  const PersistentVolume free_ = MakeVolumeByHand("n1", 80 * kGiB);
};

TEST_F(LedgerVolumesTest, OneThatComesFreeAgainIsForWhomeverWasAnsweredBefore) {
  PersistentVolume taken = free_;
  taken.is_taken = true;
  ExpectKept(taken, [this] { Apply(Seen<PersistentVolume>{free_}); });
}

TEST_F(LedgerVolumesTest, OneThatAListTellsToBeFreeIsForWhomeverWasAnsweredBefore) {
  PersistentVolume taken = free_;
  taken.claim = {"default", "gone"};
  ExpectKept(taken, [this] { Apply(Relisted<PersistentVolume>{{free_}}); });
}

TEST_F(LedgerVolumesTest, OneThatGetsAnotherClassIsForWhomeverWasAnsweredBefore) {
  PersistentVolume other = free_;
  other.storage_class_name = "by-hand";
  ExpectKept(other, [this] { Apply(Seen<PersistentVolume>{free_}); });
}

TEST_F(LedgerVolumesTest, OneThatGetsLargeEnoughIsForWhomeverWasAnsweredBefore) {
  PersistentVolume smaller = free_;
  smaller.capacity_bytes = kGiB;
  ExpectKept(smaller, [this] { Apply(Seen<PersistentVolume>{free_}); });
}

TEST_F(LedgerVolumesTest, OneThatIsToldAgainIsHeldOnce) {
  PersistentVolume taken = free_;
  taken.is_taken = true;
  ExpectKept(taken, [&] {
    for (int i = 0; i < 3; ++i) {
      Apply(Seen<PersistentVolume>{free_});
      Apply(Seen<PersistentVolume>{taken});
    }
    Apply(Seen<PersistentVolume>{free_});
  });
  EXPECT_EQ(ledger_.holds().Find(MakePod(1, {}).meta.uid)->volumes, Names{"by-hand"});
}

}  // namespace
}  // namespace pmem::extender
