// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/core/volume_facts.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace pmem::driver {
namespace {

struct FactsCase {
  const char* name;
  const char* spec;
  VolumeFacts facts;
};

void PrintTo(const FactsCase& c, std::ostream* out) { *out << c.spec; }

class FactsOfTest : public testing::TestWithParam<FactsCase> {};

TEST_P(FactsOfTest, AreThoseOfThePersistentVolume) {
  const auto facts = FactsOf(std::string(R"({"spec":)") + GetParam().spec + "}", "disk-1");
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->kind, GetParam().facts.kind);
  EXPECT_EQ(facts->bytes, GetParam().facts.bytes);
}

#define PMEM_CSI R"("csi":{"driver":"pmem.csi.alibabacloud.com","volumeHandle":"disk-1")"

INSTANTIATE_TEST_SUITE_P(
    Volumes, FactsOfTest,
    testing::Values(
        FactsCase{"Lvm",
                  R"({"capacity":{"storage":"1Gi"},)" PMEM_CSI
                  R"(,"volumeAttributes":{"pmemType":"lvm","other":"x"}}})",
                  {PoolKind::kLvm, kGiB}},
        FactsCase{"Direct",
                  R"({"capacity":{"storage":"2Gi"},)" PMEM_CSI
                  R"(,"volumeAttributes":{"pmemType":"direct"}}})",
                  {PoolKind::kDirect, 2 * kGiB}},
        FactsCase{"MadeByHandWithoutKind",
                  R"({"capacity":{"storage":"1Gi"},)" PMEM_CSI "}}",
                  {std::nullopt, kGiB}},
        FactsCase{
            "OfAnUnknownKind", "{" PMEM_CSI R"(,"volumeAttributes":{"pmemType":"ssd"}}})", {}},
        FactsCase{"OfAnotherDriver",
                  R"({"capacity":{"storage":"1Gi"},"csi":{"driver":"other","volumeHandle":"disk-1",
                      "volumeAttributes":{"pmemType":"direct"}}})",
                  {}},
        FactsCase{"OfAnotherVolume",
                  R"({"csi":{"driver":"pmem.csi.alibabacloud.com","volumeHandle":"disk-2",
                      "volumeAttributes":{"pmemType":"direct"}}})",
                  {}},
        FactsCase{"NotCsi", R"({"capacity":{"storage":"1Gi"},"hostPath":{"path":"/x"}})", {}}),
    [](const auto& row) { return row.param.name; });

#undef PMEM_CSI

TEST(FactsOf, RefusesWhatIsNoPersistentVolume) {
  for (const char* text : {"", "[]", "{}", R"({"spec":{"csi":[]}})",
                           R"({"spec":{"csi":{"driver":"pmem.csi.alibabacloud.com",
                               "volumeHandle":"disk-1"},"capacity":{"storage":"much"}}})"}) {
    SCOPED_TRACE(text);
    EXPECT_TRUE(absl::IsInvalidArgument(FactsOf(text, "disk-1").status()));
  }
}

}  // namespace
}  // namespace pmem::driver
