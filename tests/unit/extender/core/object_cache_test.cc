// SPDX-License-Identifier: Apache-2.0
#include "extender/core/object_cache.h"

#include <gtest/gtest.h>

#include "tests/support/builders.h"

namespace pmem::extender {
namespace {

using Uids = std::vector<std::string>;

PersistentVolume MakeVolume(const std::string& name, bool is_taken) {
  PersistentVolume volume;
  volume.meta.key.name = name;
  volume.is_ours = true;
  volume.storage_class_name = "pmem-lvm";
  volume.is_taken = is_taken;
  return volume;
}

Uids NamesOf(const std::vector<const PersistentVolume*>& volumes) {
  Uids names;
  for (const PersistentVolume* volume : volumes) names.push_back(volume->meta.key.name);
  return names;
}

TEST(ObjectCache, AClaimIsFoundByUidAndByName) {
  ObjectCache cache;
  const Claim claim = MakeClaim(1, kGiB);
  EXPECT_EQ(cache.Put(claim), "");
  ASSERT_NE(cache.FindClaim(Uid(1)), nullptr);
  EXPECT_EQ(*cache.FindClaim(Uid(1)), claim);
  EXPECT_EQ(cache.FindClaim(claim.meta.key), cache.FindClaim(Uid(1)));
  EXPECT_EQ(cache.FindClaim(Uid(2)), nullptr);
}

TEST(ObjectCache, AnObjectMadeAgainHasItsNameAndTheOldOneIsNamedToBeErased) {
  ObjectCache cache;
  cache.Put(MakeClaim(1, kGiB));
  Claim fresh = MakeClaim(2, kGiB);
  fresh.meta.key.name = "claim-1";
  EXPECT_EQ(cache.Put(fresh), Uid(1));
  EXPECT_EQ(cache.FindClaim(fresh.meta.key)->meta.uid, Uid(2));
  EXPECT_NE(cache.FindClaim(Uid(1)), nullptr) << "its account has to be closed first";
}

TEST(ObjectCache, ALateDeletionOfTheOldOneLeavesTheNewOne) {
  ObjectCache cache;
  cache.Put(MakeClaim(1, kGiB));
  Claim fresh = MakeClaim(2, kGiB);
  fresh.meta.key.name = "claim-1";
  cache.Put(fresh);
  cache.EraseClaim(Uid(1));
  EXPECT_NE(cache.FindClaim(fresh.meta.key), nullptr);
  cache.EraseClaim(Uid(2));
  EXPECT_EQ(cache.FindClaim(fresh.meta.key), nullptr);
}

TEST(ObjectCache, KnowsThePodsThatUseAClaim) {
  ObjectCache cache;
  const Claim shared = MakeClaim(1, kGiB);
  const Pod first = MakePod(1, {shared}), second = MakePod(2, {shared, MakeClaim(2, kGiB)});
  cache.Put(first);
  cache.Put(second);
  EXPECT_EQ(cache.PodsUsing(shared.meta.key), (Uids{first.meta.uid, second.meta.uid}));
  Pod changed = second;
  changed.volumes.clear();
  cache.Put(changed);
  EXPECT_EQ(cache.PodsUsing(shared.meta.key), Uids{first.meta.uid});
  cache.ErasePod(first.meta.uid);
  EXPECT_EQ(cache.PodsUsing(shared.meta.key), Uids{});
}

TEST(ObjectCache, OffersOnlyVolumesThatAnybodyMayHave) {
  ObjectCache cache;
  cache.Put(MakeVolume("b", false));
  cache.Put(MakeVolume("a", false));
  cache.Put(MakeVolume("c", true));
  PersistentVolume claimed = MakeVolume("d", false);
  claimed.claim = {"default", "claim-1"};
  cache.Put(claimed);
  EXPECT_EQ(NamesOf(cache.AvailableVolumes("pmem-lvm", "n1")), (Uids{"a", "b"}));
  EXPECT_EQ(NamesOf(cache.AvailableVolumes("pmem-direct", "n1")), Uids{});
  cache.Put(MakeVolume("a", true));
  cache.EraseVolume("b");
  EXPECT_EQ(NamesOf(cache.AvailableVolumes("pmem-lvm", "n1")), Uids{});
}

TEST(ObjectCache, OffersANodeItsOwnVolumesAndThoseThatAllReach) {
  ObjectCache cache;
  const auto put = [&cache](const char* name, std::optional<std::string> node) {
    PersistentVolume volume = MakeVolume(name, false);
    volume.affinity_node = std::move(node);
    cache.Put(volume);
  };
  put("c", "n1");
  put("b", std::nullopt);
  put("a", "n2");
  put("d", "");  // Several nodes, or one that nobody names.
  EXPECT_EQ(NamesOf(cache.AvailableVolumes("pmem-lvm", "n1")), (Uids{"b", "c"}));
  EXPECT_EQ(NamesOf(cache.AvailableVolumes("pmem-lvm", "n2")), (Uids{"a", "b"}));
  EXPECT_EQ(NamesOf(cache.AvailableVolumes("pmem-lvm", "n3")), (Uids{"b"}));
  put("b", "n3");
  EXPECT_EQ(NamesOf(cache.AvailableVolumes("pmem-lvm", "n2")), (Uids{"a"}));
  EXPECT_TRUE(cache.HasAvailableVolumes("pmem-lvm"));
  EXPECT_FALSE(cache.HasAvailableVolumes("pmem"));
  for (const char* name : {"a", "b", "c", "d"}) cache.EraseVolume(name);
  EXPECT_FALSE(cache.HasAvailableVolumes("pmem-lvm"));
}

TEST(ObjectCache, FindsTheClaimsOfAVolumeByWhatTheySay) {
  ObjectCache cache;
  Claim claim = MakeClaim(2, kGiB);
  cache.Put(claim);
  EXPECT_EQ(cache.ClaimsOf(""), Uids{});
  claim.volume_name = "a";
  cache.Put(claim);
  Claim other = MakeClaim(1, kGiB);
  other.volume_name = "a";
  cache.Put(other);
  EXPECT_EQ(cache.ClaimsOf("a"), (Uids{Uid(1), Uid(2)}));
  claim.volume_name = "b";
  cache.Put(claim);
  EXPECT_EQ(cache.ClaimsOf("a"), (Uids{Uid(1)}));
  EXPECT_EQ(cache.ClaimsOf("b"), (Uids{Uid(2)}));
  cache.EraseClaim(Uid(1));
  EXPECT_EQ(cache.ClaimsOf("a"), Uids{});
}

}  // namespace
}  // namespace pmem::extender
