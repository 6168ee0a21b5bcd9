// SPDX-License-Identifier: Apache-2.0
#include "extender/core/views.h"

#include <algorithm>
#include <string>

#include "tests/unit/extender/core/ledger_fixture.h"

namespace pmem::extender {
namespace {

class ViewsTest : public LedgerTest {};

TEST_F(ViewsTest, OfTheNodesOfAHoldNoMoreThanAHundredAreNamed) {
  for (int i = 0; i <= kHoldNodesMax; ++i) names_.push_back(std::to_string(1000 + i));
  for (const Event& event : ListsOf({.agents = names_})) Apply(event);
  const Pod pod = AddPod(1, {MakeClaim(1, kGiB)});
  ledger_.HoldOn(pod, ledger_.Demand(pod, nullptr), names_, {}, now_);
  const std::string holds = HoldsJson(ledger_, now_, {});
  const std::string begin = R"("node_count":101,"nodes":[)";
  const size_t at = holds.find(begin);
  ASSERT_NE(at, std::string::npos) << holds;
  const std::string named = holds.substr(at, holds.find(']', at) - at);
  EXPECT_EQ(std::count(named.begin() + static_cast<std::ptrdiff_t>(begin.size()), named.end(), ','),
            kHoldNodesMax - 1);
}

}  // namespace
}  // namespace pmem::extender
