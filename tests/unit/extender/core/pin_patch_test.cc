// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "extender/core/pinning.h"
#include "tests/support/builders.h"

namespace pmem::extender {
namespace {

TEST(PinPatch, WritesOnlyToTheClaimAsItWasSeen) {
  Pin pin{.claim = MakeClaim(1, kGiB), .item = {}, .node = "n1", .needs_provisioner = true};
  pin.claim.meta.resource_version = "7";
  pin.claim.has_annotations = true;
  EXPECT_EQ(
      PinPatch(pin),
      R"([{"op":"test","path":"/metadata/uid","value":")" + Uid(1) +
          R"("},{"op":"test","path":"/metadata/resourceVersion","value":"7"},)"
          R"({"op":"test","path":"/metadata/annotations/volume.kubernetes.io~1storage-provisioner",)"
          R"("value":"pmem.csi.alibabacloud.com"},)"
          R"({"op":"test","path":"/metadata/annotations/volume.kubernetes.io~1selected-node",)"
          R"("value":null},)"
          R"({"op":"add","path":"/metadata/annotations/volume.kubernetes.io~1selected-node",)"
          R"("value":"n1"},)"
          R"({"op":"add","path":"/metadata/annotations/pmem.csi.alibabacloud.com~1pinned-by",)"
          R"("value":"pmem-extender/n1"}])");
}

// `kubectl annotate pvc data volume.kubernetes.io/selected-node=`, or a chart whose value is empty.
TEST(PinPatch, TakesTheAnnotationThatIsEmptyForNoPin) {
  Pin pin{.claim = MakeClaim(1, kGiB), .item = {}, .node = "n1"};
  pin.claim.has_annotations = true;
  pin.claim.has_empty_selected_node = true;
  const std::string patch = PinPatch(pin);
  const std::string path = R"("path":"/metadata/annotations/volume.kubernetes.io~1selected-node")";
  EXPECT_NE(patch.find(R"({"op":"test",)" + path + R"(,"value":""})"), std::string::npos) << patch;
  EXPECT_EQ(patch.find("null"), std::string::npos) << patch;
}

TEST(PinPatch, MakesTheAnnotationsWhereThereAreNone) {
  Pin pin{.claim = MakeClaim(1, kGiB), .item = {}, .node = "n1"};
  const std::string patch = PinPatch(pin);
  EXPECT_NE(patch.find(R"({"op":"test","path":"/metadata/annotations","value":null},)"
                       R"({"op":"add","path":"/metadata/annotations","value":{}})"),
            std::string::npos)
      << patch;
}

TEST(UnpinPatch, TakesAwayExactlyThatPinOfAnUnboundClaim) {
  Unpin unpin{.claim = MakeClaim(1, kGiB), .node = "n9"};
  EXPECT_EQ(
      UnpinPatch(unpin),
      R"([{"op":"test","path":"/metadata/uid","value":")" + Uid(1) +
          R"("},{"op":"test","path":"/metadata/annotations/volume.kubernetes.io~1selected-node",)"
          R"("value":"n9"},{"op":"test","path":"/spec/volumeName","value":null},)"
          R"({"op":"remove","path":"/metadata/annotations/volume.kubernetes.io~1selected-node"}])");
}

// Of a claim of theirs users write the annotation, too.
TEST(UnpinPatch, TakesWhatStandsThereForTextOnly) {
  const Unpin unpin{.claim = MakeClaim(1, kGiB), .node = R"(n9","path":"/metadata/labels)"};
  const std::string patch = UnpinPatch(unpin);
  EXPECT_NE(patch.find(R"("value":"n9\",\"path\":\"/metadata/labels"})"), std::string::npos)
      << patch;
}

}  // namespace
}  // namespace pmem::extender
