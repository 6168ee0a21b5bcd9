// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/core/half_made_group.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace pmem::driver {
namespace {

// As LVM 2.03.16 writes them; found by a kill at each of its writes.
class HalfMadeGroup : public testing::Test {
 protected:
  HalfMadeGroup() : start_(kGroupStartBytes, '\0') { Put(4100, " LVM2 x[5A%r0N*>\x01"); }
  void Put(size_t at, std::string_view what) { start_.replace(at, what.size(), what); }
  void PutLabel(bool is_used) {
    Put(512, "LABELONE\x01");
    Put(536, "LVM2 001");
    Put(648, "\x02");
    start_[652] = is_used ? '\x01' : '\0';
  }
  void PutText(size_t at, std::string_view group, int change, std::string_view more = "") {
    Put(at, std::string(group) + " {\nid = \"XpSiga\"\nseqno = " + std::to_string(change) +
                "\nformat = \"lvm2\"\n" + std::string(more) +
                "\nphysical_volumes {\n}\n}\ncontents = \"Text Format Volume Group\"\n");
  }
  bool Is() const { return IsHalfMadeGroup(start_, "pmemvgregion0"); }

  // Where a text is, counted from the metadata area.
  static constexpr std::string_view kFirst = {"\0\x02", 2};
  static constexpr std::string_view kSecond = {"\0\x06", 2};
  std::string start_;
};

TEST_F(HalfMadeGroup, IsSeenAfterEachOfItsWrites) {
  EXPECT_TRUE(Is()) << "the head of the metadata area";
  PutLabel(true);
  EXPECT_TRUE(Is()) << "its mark";
  PutText(4608, "pmemvgregion0", 1);
  EXPECT_TRUE(Is()) << "the text";
  Put(4160, kFirst);
  EXPECT_TRUE(Is()) << "where it is, provisionally";
  Put(4136, kFirst);
  EXPECT_TRUE(Is()) << "and at last";
}

TEST_F(HalfMadeGroup, IsNoneThatWasFinishedAndChanged) {
  PutLabel(true);
  PutText(4608, "pmemvgregion0", 1);
  Put(4136, kFirst);
  const std::string made = start_;
  PutText(5632, "pmemvgregion0", 2);
  EXPECT_FALSE(Is());
  start_ = made;
  Put(4136, kSecond);
  EXPECT_FALSE(Is()) << "the second text was cleared";
  start_ = made;
  PutText(4608, "pmemvgregion0", 2);
  EXPECT_FALSE(Is());
  start_ = made;
  PutText(4608, "pmemvgregion0", 1, "logical_volumes {\n}\n");
  EXPECT_FALSE(Is());
  start_.assign(made).replace(4608, 4096, std::string(4096, '\0'));
  EXPECT_FALSE(Is()) << "the first text was cleared";
  start_ = made;
  Put(kGroupStartBytes - 1, "x");
  EXPECT_FALSE(Is()) << "something is in the first extent";
}

TEST_F(HalfMadeGroup, IsNoneOfSomebodyElse) {
  PutLabel(true);
  const std::string used = start_;
  PutText(4608, "data", 1);
  EXPECT_FALSE(Is());
  start_ = used;
  PutText(4608, "pmemvgregion01", 1);
  EXPECT_FALSE(Is());
  start_ = used;
  PutText(4608, "pmemvgregion0", 1, "system_id = \"host\"\n");
  EXPECT_FALSE(Is());
}

// Of a VolumeGroup whose metadata were lost with the start of the device: `vgcfgrestore` is next,
// and its volumes are all there. (vgcreate leaves this only between two writes that follow each
// other.)
TEST_F(HalfMadeGroup, IsNotWhatPvcreateLeaves) {
  PutLabel(false);
  EXPECT_FALSE(Is());
}

// Of a VolumeGroup without volumes: whoever ran them does not want it.
TEST_F(HalfMadeGroup, IsNotWhatVgremoveAndPvremoveLeave) {
  PutText(4608, "pmemvgregion0", 1);
  EXPECT_FALSE(Is()) << "pvremove";
  PutLabel(false);
  EXPECT_FALSE(Is()) << "vgremove";
}

TEST_F(HalfMadeGroup, IsNothingThatVgcreateDoesNotWrite) {
  const std::string head = start_;
  for (const size_t at : {size_t{0}, size_t{511}, size_t{512}, size_t{1024}, size_t{4095}}) {
    start_ = head;
    Put(at, "x");
    EXPECT_FALSE(Is()) << at;
  }
  start_.assign(kGroupStartBytes, '\0');
  EXPECT_FALSE(Is()) << "nothing is there";
  PutLabel(true);
  EXPECT_FALSE(Is()) << "the head comes first";
  EXPECT_FALSE(IsHalfMadeGroup("", "pmemvgregion0"));
  EXPECT_FALSE(IsHalfMadeGroup(head.substr(0, 4608), "pmemvgregion0"));
}

}  // namespace
}  // namespace pmem::driver
