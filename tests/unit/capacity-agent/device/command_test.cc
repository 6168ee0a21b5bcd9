// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/device/command.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "capacity-agent/device/lvm_reader.h"
#include "common/io/files.h"

namespace pmem::agent {
namespace {

absl::StatusOr<CommandResult> Shell(const std::string& script, CommandOptions options = {}) {
  options.arguments = {"sh", "-c", script};
  CommandRunner runner;
  return runner.Run(options);
}

TEST(Command, OutputMessagesAndExitStatusAreToldApart) {
  const auto result = Shell("echo out; echo err >&2; exit 5");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output, "out\n");
  EXPECT_EQ(result->messages, "err\n");
  EXPECT_EQ(result->exit_status, 5);
}

TEST(Command, OutputBeyondAPipesBufferIsWhole) {
  const auto result = Shell("head -c 1000000 /dev/zero");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output.size(), 1000000u);
}

TEST(Command, TheProgramGetsNoOtherFilesAndNoInput) {
  constexpr int kInherited = 57;
  ASSERT_EQ(dup2(STDERR_FILENO, kInherited), kInherited);
  const auto result = Shell("cat; [ -e /proc/$$/fd/57 ] && echo inherited; echo $LC_ALL");
  close(kInherited);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output, "C\n");
}

TEST(Command, AProgramThatIsNotThereIsNotFound) {
  CommandRunner runner;
  const auto result = runner.Run({.arguments = {"/nonexistent/lvm", "fullreport"}});
  EXPECT_EQ(result.status().code(), absl::StatusCode::kNotFound) << result.status();
}

TEST(Command, AProgramThatASignalEndsIsAborted) {
  EXPECT_EQ(Shell("kill -9 $$").status(), absl::AbortedError("ended by signal 9"));
}

// Killed for its memory, say: nothing is under way any more, and it is no fault of who called.
TEST(Command, AProgramThatASignalEndsDidNotSucceed) {
  CommandRunner runner;
  EXPECT_EQ(RunToSuccess(&runner, {.arguments = {"sh", "-c", "kill -9 $$"}}).status(),
            absl::UnavailableError("sh -c kill -9 $$: ended by signal 9"));
}

// As kernels before 5.3 have it, and a process with no descriptor left.
TEST(Command, ItsEndIsSeenWhereNothingTellsOfIt) {
  CommandRunner runner([](pid_t) { return -1; });
  const absl::Time began = absl::Now();
  const auto result = runner.Run({.arguments = {"sh", "-c", "sleep 0.05; echo out; exit 5"}});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output, "out\n");
  EXPECT_EQ(result->exit_status, 5);
  const auto killed = runner.Run(
      {.arguments = {"sh", "-c", "exec sleep 1000"}, .timeout = absl::Milliseconds(100)});
  EXPECT_EQ(killed.status(), absl::DeadlineExceededError("no end after 100ms"));
  EXPECT_EQ(runner.stuck_pid(), 0);
  EXPECT_LT(absl::Now() - began, absl::Seconds(5));
}

// Whether the process ends within the time; one that is gone has. A killed one needs a moment.
bool Ends(pid_t pid, int milliseconds) {
  const auto fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return errno == ESRCH;
  pollfd ended{.fd = fd, .events = POLLIN, .revents = 0};
  const bool is_ended = ::poll(&ended, 1, milliseconds) == 1;
  ::close(fd);
  return is_ended;
}

TEST(Command, ATimeoutKillsTheWholeGroup) {
  const std::string file = testing::TempDir() + "/command-test-" + std::to_string(::getpid());
  const absl::Time began = absl::Now();
  const auto result =
      Shell("sleep 1000 & echo $! > " + file + "; wait", {.timeout = absl::Milliseconds(300)});
  EXPECT_EQ(result.status(), absl::DeadlineExceededError("no end after 300ms"));
  EXPECT_LT(absl::Now() - began, absl::Seconds(5));
  EXPECT_TRUE(Ends(std::stoi(*ReadFile(file, 100)), 10'000));
  std::remove(file.c_str());
}

TEST(Command, TooMuchOutputIsRefused) {
  const auto result = Shell("yes", {.output_bytes_max = 1000});
  EXPECT_EQ(result.status(), absl::ResourceExhaustedError("more than 1000 bytes of output"));
  EXPECT_TRUE(Shell("head -c 1000 /dev/zero", {.output_bytes_max = 1000}).ok());
}

TEST(Command, TooManyMessagesAreCutWithoutHarm) {
  const auto result = Shell("head -c 1000000 /dev/zero >&2; echo done");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output, "done\n");
  EXPECT_EQ(result->messages.size(), 4096u);
}

TEST(Command, AChildThatKeepsThePipeOpenDoesNotHoldUsUp) {
  const absl::Time began = absl::Now();
  const auto result = Shell("sleep 8 & echo done");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output, "done\n");
  EXPECT_LT(absl::Now() - began, absl::Seconds(5));
}

// A program in place of lvm: the arguments of the report come behind the script's name.
std::string FakeLvm(const std::string& script) {
  const std::string path = testing::TempDir() + "/fake-lvm-" + std::to_string(::getpid());
  FILE* const file = std::fopen(path.c_str(), "w");
  std::fputs(script.c_str(), file);
  std::fclose(file);
  return "sh " + path;
}

TEST(LvmReader, RunsTheReportAndParsesIt) {
  LvmReader reader(FakeLvm(R"(
    [ "$1" = fullreport ] || exit 3
    echo '  WARNING: something' >&2
    echo '{"report":[{"vg":[{"vg_name":"v","vg_attr":"wz--n-","vg_size":"8","vg_extent_size":"4"}],'
    echo '"pv":[],"lv":[]}]}')"),
                   absl::Seconds(10));
  const auto devices = reader.Read();
  ASSERT_TRUE(devices.ok()) << devices.status();
  const DeviceState expected = {
      .volume_groups = {{.name = "v", .total_bytes = 8, .extent_bytes = 4}}};
  EXPECT_EQ(*devices, expected);
}

TEST(LvmReader, ShowsLvmTheDevicesOfGroupsAlone) {
  LvmReader reader(FakeLvm(R"(
    [ "$1" = fullreport ] || exit 3
    while [ $# -gt 1 ]; do [ "$1" = --config ] && echo "$2" >&2; shift; done
    exit 5)"),
                   absl::Seconds(10), [] { return std::vector<std::string>{"pmem0"}; });
  EXPECT_EQ(reader.Read().status(),
            absl::FailedPreconditionError("exit status 5: backup/archive=0 devices/global_filter=["
                                          "\"a|^/dev/pmem0(p[0-9]+)?$|\",\"r|.*|\"]"));
}

TEST(LvmReader, IsNotRunWithoutThem) {
  LvmReader reader(FakeLvm("exit 5"), absl::Seconds(10),
                   [] { return absl::UnavailableError("no libndctl"); });
  EXPECT_EQ(reader.Read().status(), absl::UnavailableError("no libndctl"));
}

// A volume's room is taken in time or never.
TEST(LvmCommand, HasTheTimeThatTheLookLeaves) {
  const LvmCommand command("lvm", [] { return std::vector<std::string>(); });
  EXPECT_TRUE(absl::IsDeadlineExceeded(command.Options({}, absl::ZeroDuration()).status()));
  const auto options = command.Options({"lvs"}, absl::Seconds(60));
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_LT(options->timeout, absl::Seconds(60));
  EXPECT_EQ(options->arguments.at(1), "lvs");
}

TEST(LvmReader, AnExitStatusIsAnErrorWhateverWasPrinted) {
  LvmReader reader(FakeLvm("echo '{\"report\":[]}'; printf '  a\\n  b\\n' >&2; exit 5"),
                   absl::Seconds(10));
  EXPECT_EQ(reader.Read().status(), absl::FailedPreconditionError("exit status 5: a;   b"));
}

TEST(LvmReader, GarbageIsAnErrorAndTheNextReadingWorks) {
  LvmReader reader(FakeLvm("echo Segmentation fault"), absl::Seconds(10));
  EXPECT_EQ(reader.Read().status().code(), absl::StatusCode::kInvalidArgument);
  FakeLvm("echo '{\"report\":[]}'");
  EXPECT_TRUE(reader.Read().ok());
}

TEST(LvmReader, AHangingLvmIsADeadline) {
  LvmReader reader(FakeLvm("exec sleep 1000"), absl::Milliseconds(200));
  EXPECT_EQ(reader.Read().status().code(), absl::StatusCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace pmem::agent
