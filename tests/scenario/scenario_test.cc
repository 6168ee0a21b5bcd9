// SPDX-License-Identifier: Apache-2.0
// Plays every script of this folder. A script is prose behind '#', and commands, each followed by
// "----" and the answer that was recorded for it:
//
//     # Two pods, one room.
//     filter web-1
//     ----
//     n1  fits
//
// SCENARIO_REWRITE=1 records the answers anew. Commit such a change only if you can explain it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/scenario/scenario_world.h"
#include "tests/support/source_path.h"

namespace pmem::extender {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = SourcePath("tests/scenario");

std::vector<std::string> LinesOf(const fs::path& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

bool IsCommand(const std::string& line) { return !line.empty() && line[0] != '#'; }

// The script as it would be if every recorded answer were today's.
std::string Play(const std::vector<std::string>& lines) {
  ScenarioWorld world;
  std::ostringstream out;
  for (size_t i = 0; i < lines.size(); ++i) {
    out << lines[i] << "\n";
    if (!IsCommand(lines[i])) continue;
    out << "----\n" << world.Do(lines[i]);
    // The recorded answer ends at an empty line.
    while (i + 1 < lines.size() && !lines[i + 1].empty()) ++i;
  }
  return out.str();
}

std::string Joined(const std::vector<std::string>& lines) {
  std::ostringstream out;
  for (const std::string& line : lines) out << line << "\n";
  return out.str();
}

std::vector<std::string> Scripts() {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".txt") names.push_back(entry.path().stem());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class Scenario : public testing::TestWithParam<std::string> {};

TEST_P(Scenario, PlaysAsRecorded) {
  const fs::path path = kFolder / (GetParam() + ".txt");
  const std::vector<std::string> lines = LinesOf(path);
  ASSERT_GT(std::count_if(lines.begin(), lines.end(), IsCommand), 0) << "no command";
  const std::string played = Play(lines);
  if (std::getenv("SCENARIO_REWRITE") != nullptr) {
    std::ofstream(path) << played;
    return;
  }
  EXPECT_EQ(played, Joined(lines));
}

INSTANTIATE_TEST_SUITE_P(Scripts, Scenario, testing::ValuesIn(Scripts()),
                         [](const auto& script) { return script.param; });

TEST(ScenarioPlayer, AnAnswerThatIsNotTheRecordedOneIsSeen) {
  const std::vector<std::string> lines = {"node n1 lvm=1Gi", "----", "something else"};
  EXPECT_EQ(Play(lines), "node n1 lvm=1Gi\n----\nok\n");
}

TEST(ScenarioPlayer, ACommandThatMakesNoSenseIsToldOf) {
  ScenarioWorld world;
  EXPECT_EQ(world.Do("filter nobody"), "error: no pod nobody\n");
  EXPECT_EQ(world.Do("frobnicate"), "error: no command frobnicate\n");
  EXPECT_EQ(world.Do("node n1 lvm=lots"), "error: \"lots\" is not a quantity\n");
}

}  // namespace
}  // namespace pmem::extender
