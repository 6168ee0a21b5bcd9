// SPDX-License-Identifier: Apache-2.0
#include "extender/core/demand.h"

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>

#include "tests/support/builders.h"

namespace pmem::extender {
namespace {

struct KindCase {
  std::string name;
  std::string class_name;
  std::map<std::string, std::string> parameters;
  std::optional<PoolKind> kind;
};

class KindOfClass : public testing::TestWithParam<KindCase> {};

TEST_P(KindOfClass, IsTheParameterElseTheName) {
  StorageClass storage_class = MakeClass(GetParam().class_name);
  storage_class.parameters = GetParam().parameters;
  EXPECT_EQ(KindOf(storage_class), GetParam().kind);
}

INSTANTIATE_TEST_SUITE_P(
    Classes, KindOfClass,
    testing::Values(
        KindCase{"NameLvm", "pmem-lvm", {}, PoolKind::kLvm},
        KindCase{"NameDirect", "pmem-direct", {}, PoolKind::kDirect},
        KindCase{"OtherNameWithoutParameter", "fast", {}, std::nullopt},
        KindCase{"ParameterLvm", "fast", {{"pmemType", "lvm"}}, PoolKind::kLvm},
        KindCase{"ParameterWinsOverName", "pmem-lvm", {{"pmemType", "direct"}}, PoolKind::kDirect},
        KindCase{"ParameterOfNoKind", "pmem-lvm", {{"pmemType", "tape"}}, std::nullopt},
        KindCase{"OtherParameters", "pmem-direct", {{"fsType", "xfs"}}, PoolKind::kDirect}),
    [](const auto& each) { return each.param.name; });

struct StaticCase {
  std::string name;
  std::function<void(Claim&)> change;
  bool if_it_waits;  // For its first consumer.
  bool if_it_does_not;
};

class StaticOnly : public testing::TestWithParam<StaticCase> {};

TEST_P(StaticOnly, IsWhatNobodyMakesAVolumeFor) {
  Claim claim = MakeClaim(1, kGiB);
  GetParam().change(claim);
  EXPECT_EQ(IsStaticOnly(claim, MakeClass("pmem-lvm")), GetParam().if_it_waits);
  EXPECT_EQ(IsStaticOnly(claim, MakeClass("pmem-lvm", false)), GetParam().if_it_does_not);
}

// As external-provisioner 6.4 and our driver have it.
INSTANTIATE_TEST_SUITE_P(
    Claims, StaticOnly,
    testing::Values(
        StaticCase{"Plain", [](Claim&) {}, false, false},
        StaticCase{"OnePod", [](Claim& c) { c.access_modes = {"ReadWriteOncePod"}; }, false, false},
        StaticCase{"ManyNodes", [](Claim& c) { c.access_modes = {"ReadWriteMany"}; }, true, true},
        StaticCase{"ManyReaders", [](Claim& c) { c.access_modes = {"ReadOnlyMany"}; }, true, true},
        StaticCase{"AlsoManyNodes",
                   [](Claim& c) {
                     c.access_modes = {"ReadWriteOnce", "ReadWriteMany"};
                   },
                   true, true},
        StaticCase{"Block", [](Claim& c) { c.is_block = true; }, false, false},
        StaticCase{"Selector", [](Claim& c) { c.has_selector = true; }, true, true},
        StaticCase{"Copy", [](Claim& c) { c.data_source = DataSource::kVolume; }, true, true},
        StaticCase{"Populator", [](Claim& c) { c.data_source = DataSource::kPopulator; }, false,
                   true},
        StaticCase{"Attributes", [](Claim& c) { c.volume_attributes_class = "fast"; }, true, true}),
    [](const auto& each) { return each.param.name; });

class DemandTest : public testing::Test {
 protected:
  DemandTest() {
    cache_.Put(MakeClass("pmem-lvm"));
    cache_.Put(MakeClass("pmem-direct"));
    StorageClass other = MakeClass("disks");
    other.provisioner = "disks.example.com";
    cache_.Put(other);
  }

  PodDemand DemandFor(const std::vector<Claim>& claims) {
    for (const Claim& claim : claims) cache_.Put(claim);
    return DemandOf(MakePod(1, claims), cache_, nullptr);
  }

  static std::vector<std::string> UidsOf(const PodDemand& demand) {
    std::vector<std::string> uids;
    for (const Item& item : demand.items) uids.push_back(item.claim_uid);
    return uids;
  }

  ObjectCache cache_;
};

TEST_F(DemandTest, AsksForItsClaimsInThePodsOrder) {
  const PodDemand demand =
      DemandFor({MakeClaim(2, 3 * kGiB, "pmem-direct"), MakeClaim(1, 2 * kGiB)});
  EXPECT_EQ(demand.items, (std::vector<Item>{{Uid(2), PoolKind::kDirect, 3 * kGiB},
                                             {Uid(1), PoolKind::kLvm, 2 * kGiB}}));
  EXPECT_EQ(demand.item_classes, (std::vector<std::string>{"pmem-direct", "pmem-lvm"}));
  EXPECT_TRUE(demand.IsKnown());
  EXPECT_TRUE(demand.IsPmem());
}

TEST_F(DemandTest, AClaimThatIsMountedTwiceCountsOnce) {
  const Claim claim = MakeClaim(1, kGiB);
  EXPECT_EQ(UidsOf(DemandFor({claim, claim})), std::vector{Uid(1)});
}

TEST_F(DemandTest, ClaimsOfOtherProvisionersAndWithoutClassAskForNothing) {
  Claim without_class = MakeClaim(2, kGiB);
  without_class.storage_class_name = "";
  const PodDemand demand = DemandFor({MakeClaim(1, kGiB, "disks"), without_class});
  EXPECT_EQ(demand.items, std::vector<Item>{});
  EXPECT_FALSE(demand.IsPmem());
  EXPECT_TRUE(demand.IsKnown());
}

TEST_F(DemandTest, APinnedClaimAsksForNothingAndSaysWhereThePodBelongs) {
  Claim pinned = MakeClaim(1, kGiB);
  pinned.selected_node = "n1";
  const PodDemand demand = DemandFor({pinned, MakeClaim(2, kGiB)});
  EXPECT_EQ(UidsOf(demand), std::vector{Uid(2)});
  EXPECT_EQ(demand.node, "n1");
  EXPECT_FALSE(demand.is_split);
}

TEST_F(DemandTest, ClaimsOnTwoNodesSplitThePod) {
  Claim a = MakeClaim(1, kGiB), b = MakeClaim(2, kGiB);
  a.selected_node = "n1";
  b.selected_node = "n2";
  EXPECT_TRUE(DemandFor({a, b, MakeClaim(3, kGiB)}).is_split);
}

TEST_F(DemandTest, ABoundClaimIsWhereItsVolumeIs) {
  PersistentVolume volume;
  volume.meta.key.name = "disk-1";
  volume.affinity_node = "n2";
  Claim bound = MakeClaim(1, kGiB);
  bound.volume_name = "disk-1";
  bound.selected_node = "n1";
  EXPECT_EQ(NodeOf(bound, &volume), "n2");
  EXPECT_EQ(NodeOf(bound, nullptr), "n1") << "its volume is not known yet";
}

// Its class may be gone, or have been no object ever, or be another driver's by now.
TEST_F(DemandTest, AClaimWithAVolumeOfOursIsWhereThatIsWhateverItsClass) {
  PersistentVolume volume = MakeVolumeByHand("n2", kGiB);
  volume.is_ours = true;
  cache_.Put(volume);
  Claim bound = MakeClaim(1, kGiB);
  bound.volume_name = volume.meta.key.name;
  for (const std::string storage_class : {"", "manual", "disks", "pmem-lvm"}) {
    SCOPED_TRACE(storage_class);
    bound.storage_class_name = storage_class;
    const PodDemand demand = DemandFor({bound, MakeClaim(2, kGiB)});
    EXPECT_EQ(demand.node, "n2");
    EXPECT_TRUE(demand.IsKnown());
    EXPECT_EQ(UidsOf(demand), std::vector{Uid(2)});
  }
  const LiveObjects live = {.claims = {MakeClaim(2, kGiB)}};
  EXPECT_EQ(DemandOf(MakePod(1, {bound, MakeClaim(2, kGiB)}), cache_, &live).missing_claims,
            std::vector{bound.meta.key});
}

TEST_F(DemandTest, AnUnknownClaimAndAnUnknownClassAreNamedNotIgnored) {
  const Claim of_unknown_class = MakeClaim(2, kGiB, "brand-new");
  cache_.Put(of_unknown_class);
  const PodDemand demand =
      DemandOf(MakePod(1, {MakeClaim(1, kGiB), of_unknown_class}), cache_, nullptr);
  EXPECT_EQ(demand.missing_claims, (std::vector<ObjectKey>{{"default", "claim-1"}}));
  EXPECT_EQ(demand.missing_classes, std::vector<std::string>{"brand-new"});
  EXPECT_FALSE(demand.IsKnown());
}

TEST_F(DemandTest, AnAnswerNeedsEveryClaimOfOursReadLive) {
  const Claim claim = MakeClaim(1, kGiB);
  cache_.Put(claim);
  LiveObjects live;
  EXPECT_EQ(DemandOf(MakePod(1, {claim}), cache_, &live).missing_claims,
            std::vector{claim.meta.key});
  live.claims = {claim};
  EXPECT_EQ(UidsOf(DemandOf(MakePod(1, {claim}), cache_, &live)), std::vector{Uid(1)});
}

TEST_F(DemandTest, AClaimThatWasMadeAgainUnderItsNameIsTheOneReadLive) {
  const Claim old = MakeClaim(1, kGiB);
  cache_.Put(old);
  Claim fresh = MakeClaim(9, 5 * kGiB);
  fresh.meta.key = old.meta.key;
  LiveObjects live;
  live.claims = {fresh};
  EXPECT_EQ(DemandOf(MakePod(1, {old}), cache_, &live).items,
            (std::vector<Item>{{Uid(9), PoolKind::kLvm, 5 * kGiB}}));
}

TEST_F(DemandTest, AClaimThatDoesNotExistIsAbsentNotMissing) {
  const Claim claim = MakeClaim(1, kGiB);
  LiveObjects live;
  live.absent_claims = {claim.meta.key};
  const PodDemand demand = DemandOf(MakePod(1, {claim}), cache_, &live);
  EXPECT_NE(demand.absent, "");
  EXPECT_TRUE(demand.IsKnown());
}

TEST_F(DemandTest, AnEphemeralClaimOfAnotherPodAsksForNothing) {
  Claim claim = MakeClaim(1, kGiB);
  Pod pod = MakePod(1, {claim});
  pod.volumes[0].is_ephemeral = true;
  claim.owners = {{"Pod", "pod-1", "somebody else's uid", true}};
  cache_.Put(claim);
  EXPECT_EQ(DemandOf(pod, cache_, nullptr).items, std::vector<Item>{});
  claim.owners[0].uid = pod.meta.uid;
  cache_.Put(claim);
  EXPECT_EQ(UidsOf(DemandOf(pod, cache_, nullptr)), std::vector{Uid(1)});
}

TEST_F(DemandTest, AnEphemeralClaimOfAnEarlierPodIsReadLiveBeforeItAsksForNothing) {
  Claim old = MakeClaim(1, kGiB);
  old.owners = {{"Pod", "pod-1", "the uid of the pod before", true}};
  cache_.Put(old);
  Pod pod = MakePod(1, {old});
  pod.volumes[0].is_ephemeral = true;
  LiveObjects live;
  EXPECT_EQ(DemandOf(pod, cache_, &live).missing_claims, std::vector{old.meta.key});
  Claim fresh = MakeClaim(9, 5 * kGiB);
  fresh.meta.key = old.meta.key;
  fresh.owners = {{"Pod", "pod-1", pod.meta.uid, true}};
  live.claims = {fresh};
  EXPECT_EQ(UidsOf(DemandOf(pod, cache_, &live)), std::vector{Uid(9)});
  live.claims = {old};
  const PodDemand demand = DemandOf(pod, cache_, &live);
  EXPECT_TRUE(demand.IsKnown() && !demand.IsPmem());
}

TEST_F(DemandTest, AClaimThatMayStillGetTheDefaultClassIsReadLive) {
  Claim claim = MakeClaim(1, kGiB);
  claim.storage_class_name = std::nullopt;
  cache_.Put(claim);
  LiveObjects live;
  EXPECT_EQ(DemandOf(MakePod(1, {claim}), cache_, &live).missing_claims,
            std::vector{claim.meta.key});
  live.claims = {claim};
  EXPECT_TRUE(DemandOf(MakePod(1, {claim}), cache_, &live).IsKnown());
  live.claims.clear();
  claim.volume_name = "by-hand";  // Whatever class it gets, it has its volume.
  cache_.Put(claim);
  EXPECT_TRUE(DemandOf(MakePod(1, {claim}), cache_, &live).IsKnown());
  claim.volume_name = "";
  claim.storage_class_name = "";  // By hand: it never gets one.
  cache_.Put(claim);
  EXPECT_TRUE(DemandOf(MakePod(1, {claim}), cache_, &live).IsKnown());
}

TEST(AskAlike, LooksAtWhatDecidesForClaims) {
  const StorageClass ours = MakeClass("pmem-lvm");
  StorageClass other = ours;
  other.provisioner = "other.example.com";
  EXPECT_TRUE(AskAlike(&ours, &ours));
  EXPECT_TRUE(AskAlike(nullptr, nullptr));
  EXPECT_TRUE(AskAlike(nullptr, &other));
  EXPECT_TRUE(AskAlike(&other, nullptr));
  for (const StorageClass* one : std::initializer_list<const StorageClass*>{&other, nullptr}) {
    EXPECT_FALSE(AskAlike(&ours, one));
    EXPECT_FALSE(AskAlike(one, &ours));
  }
  StorageClass odd = ours;
  odd.parameters["pmemType"] = "direct";
  EXPECT_FALSE(AskAlike(&ours, &odd));
  StorageClass immediate = ours;
  immediate.is_wait_for_first_consumer = false;
  EXPECT_FALSE(AskAlike(&ours, &immediate));
}

}  // namespace
}  // namespace pmem::extender
