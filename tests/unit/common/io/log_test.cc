// SPDX-License-Identifier: Apache-2.0
#include "common/io/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "absl/strings/str_cat.h"

namespace pmem {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

const absl::Time kTime = absl::FromUnixMillis(1'767'323'045'678);

TEST(Log, ALineIsOneJsonObject) {
  EXPECT_EQ(
      FormatLogLine(kTime, LogLevel::kWarning, "server", "a \"thing\"\nhappened",
                    {{"node", "n1"},
                     {"count", 3},
                     {"is_late", true},
                     {"ratio", 0.5},
                     {"wait", absl::Milliseconds(250)},
                     {"at", kTime},
                     {"error", absl::NotFoundError("gone")}}),
      "{\"time\":\"2026-01-02T03:04:05.678Z\",\"level\":\"warning\",\"component\":\"server\","
      "\"message\":\"a \\\"thing\\\"\\nhappened\",\"node\":\"n1\",\"count\":3,\"is_late\":true,"
      "\"ratio\":0.5,\"wait\":0.25,\"at\":\"2026-01-02T03:04:05.678Z\","
      "\"error\":\"NOT_FOUND: gone\"}");
}

TEST(Log, WhatIsNoNumberIsNull) {
  EXPECT_THAT(FormatLogLine(kTime, LogLevel::kInfo, "c", "m",
                            {{"x", std::numeric_limits<double>::infinity()}}),
              EndsWith("\"x\":null}"));
}

TEST(Log, LongTextIsCutBetweenCharacters) {
  const std::string head(kLogValueBytesMax - 1, 'a');
  const std::string line =
      FormatLogLine(kTime, LogLevel::kInfo, "c", "m", {{"x", head + "\xC3\xA4 and more"}});
  EXPECT_THAT(line, EndsWith(absl::StrCat("\"x\":\"", head, "\u2026\"}")));
}

TEST(Log, MoreFieldsThanAllowedAreLeftOut) {
  const LogField f("k", 1);
  const std::string line = FormatLogLine(
      kTime, LogLevel::kInfo, "c", "m", {f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f,          f,
                                         f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, {"last", 1}});
  EXPECT_THAT(line, Not(HasSubstr("last")));
}

}  // namespace
}  // namespace pmem
