// SPDX-License-Identifier: Apache-2.0
#include "common/io/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ostream>

namespace pmem {
namespace {

using ::testing::HasSubstr;

struct DurationCase {
  const char* name;
  std::string text;
  std::optional<absl::Duration> expected;
};
void PrintTo(const DurationCase& c, std::ostream* out) { *out << c.text; }

class DurationFlag : public ::testing::TestWithParam<DurationCase> {};

TEST_P(DurationFlag, IsReadStrictly) {
  const absl::StatusOr<absl::Duration> result = ParseFlagDuration(GetParam().text);
  ASSERT_EQ(result.ok(), GetParam().expected.has_value()) << result.status();
  if (result.ok()) {
    EXPECT_EQ(*result, *GetParam().expected);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, DurationFlag,
    ::testing::Values(DurationCase{"Seconds", "30s", absl::Seconds(30)},
                      DurationCase{"Zero", "0s", absl::ZeroDuration()},
                      DurationCase{"MinutesAndSeconds", "1m30s", absl::Seconds(90)},
                      DurationCase{"Milliseconds", "500ms", absl::Milliseconds(500)},
                      DurationCase{"ThirtyDays", "720h", absl::Hours(720)},
                      DurationCase{"MoreThanThirtyDays", "720h1ms", std::nullopt},
                      DurationCase{"Empty", "", std::nullopt},
                      DurationCase{"NoUnit", "30", std::nullopt},
                      DurationCase{"UnknownUnit", "3d", std::nullopt},
                      DurationCase{"SmallBeforeLarge", "30s1m", std::nullopt},
                      DurationCase{"UnitTwice", "1s1s", std::nullopt},
                      DurationCase{"Negative", "-1s", std::nullopt},
                      DurationCase{"Fraction", "1.5s", std::nullopt},
                      DurationCase{"Space", "1 s", std::nullopt},
                      DurationCase{"TooManyDigits", "99999999999999999999s", std::nullopt}),
    [](const auto& row) { return row.param.name; });

TEST(FlagDuration, IsWrittenAsItIsRead) {
  for (const char* text : {"0s", "30s", "1m30s", "500ms", "1h", "2h3m4s5ms"}) {
    EXPECT_EQ(FormatFlagDuration(*ParseFlagDuration(text)), text);
  }
}

enum class Strategy { kBinpack, kSpread };

struct Values {
  std::string listen = "127.0.0.1:1";
  std::string file;
  bool leader_elect = true;
  Strategy score = Strategy::kBinpack;
  int64_t count = 3;
  absl::Duration resync = absl::Seconds(60);
  bool operator==(const Values&) const = default;
};

// Parses `arguments` with every kind of flag and gives the exit code.
std::optional<int> Parse(std::vector<const char*> arguments, Values* values) {
  Flags flags({"pmem-test", "Tests.", "1.2.3", "PMEM_TEST"});
  flags.HostPort("--listen", &values->listen, "Where to listen.");
  flags.Text("--file", &values->file, "A file.", "FILE");
  flags.Bool("--leader-elect", &values->leader_elect, "Whether to elect.");
  flags.Enum<Strategy>("--score", &values->score,
                       {{"binpack", Strategy::kBinpack}, {"spread", Strategy::kSpread}}, "How.");
  flags.Integer("--count", &values->count, 0, 100, "How many.");
  flags.Duration("--resync", &values->resync, "How often.");
  arguments.insert(arguments.begin(), "pmem-test");
  return flags.Parse(static_cast<int>(arguments.size()), arguments.data());
}

TEST(Flags, ABareBoolIsTrueWhateverItsDefault) {
  Values values;
  values.leader_elect = false;
  EXPECT_EQ(Parse({"--leader-elect"}, &values), std::nullopt);
  EXPECT_TRUE(values.leader_elect);
  values.leader_elect = false;
  EXPECT_EQ(Parse({"--leader-elect", "--count", "3"}, &values), std::nullopt);
  EXPECT_TRUE(values.leader_elect);
}

TEST(Flags, KeepTheirDefaults) {
  Values values;
  EXPECT_EQ(Parse({}, &values), std::nullopt);
  EXPECT_EQ(values, Values());
}

TEST(Flags, TakeEveryKindOfValueAndTheLastOfTwo) {
  Values values;
  EXPECT_EQ(Parse({"--listen=[::1]:0", "--file", "/a b", "--leader-elect=false", "--score",
                   "spread", "--count=1", "--count=100", "--resync", "1m"},
                  &values),
            std::nullopt);
  EXPECT_EQ(values, (Values{.listen = "[::1]:0",
                            .file = "/a b",
                            .leader_elect = false,
                            .score = Strategy::kSpread,
                            .count = 100,
                            .resync = absl::Minutes(1)}));
}

TEST(Flags, AnEnvironmentVariableCountsWhenTheFlagIsNotGiven) {
  ::setenv("PMEM_TEST_LEADER_ELECT", "false", 1);
  ::setenv("PMEM_TEST_COUNT", "7", 1);
  ::setenv("PMEM_TEST_NEVER_HEARD_OF", "x", 1);
  Values values;
  EXPECT_EQ(Parse({"--count", "8"}, &values), std::nullopt);
  ::unsetenv("PMEM_TEST_LEADER_ELECT");
  ::unsetenv("PMEM_TEST_COUNT");
  ::unsetenv("PMEM_TEST_NEVER_HEARD_OF");
  EXPECT_EQ(values, (Values{.leader_elect = false, .count = 8}));
}

TEST(Flags, AnythingWrongIsOneLineAndExitTwo) {
  for (const std::vector<const char*>& arguments :
       std::vector<std::vector<const char*>>{{"--listen", "nowhere"},
                                             {"--listen", "h:70000"},
                                             {"--leader-elect=yes"},
                                             {"--score", "best"},
                                             {"--count", "101"},
                                             {"--count", "x"},
                                             {"--resync", "5"},
                                             {"--unknown"},
                                             {"stray"},
                                             {"--file"}}) {
    Values values;
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(Parse(arguments, &values), Flags::kBadFlagsExit) << arguments[0];
    const std::string said = ::testing::internal::GetCapturedStderr();
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
    EXPECT_THAT(said, HasSubstr(std::string(arguments[0]).substr(0, 5)));
  }
}

TEST(Flags, ABadValueIsReportedAsOfWhereItCameFrom) {
  ::setenv("PMEM_TEST_SCORE", "worst", 1);
  Values values;
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(Parse({"--count", "8"}, &values), Flags::kBadFlagsExit);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "pmem-test: PMEM_TEST_SCORE: \"worst\" is not one of binpack|spread (see --help)\n");
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(Parse({"--score=best"}, &values), Flags::kBadFlagsExit);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "pmem-test: --score: \"best\" is not one of binpack|spread (see --help)\n");
  ::unsetenv("PMEM_TEST_SCORE");
}

TEST(Flags, HelpVersionAndTableAreOnStdoutAndExitZero) {
  for (const auto& [flag, text] : std::vector<std::pair<const char*, const char*>>{
           {"--help", "PMEM_TEST_LEADER_ELECT"},
           {"--version", "pmem-test 1.2.3\n"},
           {"--flags-markdown",
            "| `--score` | `PMEM_TEST_SCORE` | `binpack\\|spread` | `binpack` "}}) {
    Values values;
    ::testing::internal::CaptureStdout();
    EXPECT_EQ(Parse({flag}, &values), 0);
    EXPECT_THAT(::testing::internal::GetCapturedStdout(), HasSubstr(text));
  }
}

}  // namespace
}  // namespace pmem
