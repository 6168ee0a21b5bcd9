// SPDX-License-Identifier: Apache-2.0
// What the tests of this room share.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/source_path.h"

namespace pmem::extender {

// A captured body of tests/testdata/extender_v1.
inline std::string Captured(const std::string& file) {
  std::ifstream in(SourcePath("tests/testdata/extender_v1/" + file), std::ios::binary);
  EXPECT_TRUE(in.good()) << file;
  return {std::istreambuf_iterator<char>(in), {}};
}

// The name of a table's row.
inline constexpr auto CaseName = [](const auto& row) { return std::string(row.param.name); };

}  // namespace pmem::extender
