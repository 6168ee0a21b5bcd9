// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/device/device_programs.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pmem::driver {
namespace {

// One that dies only when the test wants.
pid_t StartHanging() {
  const pid_t pid = fork();
  if (pid == 0) {
    pause();
    _exit(0);
  }
  return pid;
}

TEST(DevicePrograms, NoneIsStartedBesideOneThatHangs) {
  DevicePrograms programs;
  const pid_t hanging = StartHanging();
  ASSERT_GT(hanging, 0);
  programs.LeaveBehind("/dev/pmem0", hanging);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(absl::IsUnavailable(programs.Run("/dev/pmem0", {.arguments = {"true"}}).status()));
    EXPECT_TRUE(programs.Run("/dev/pmem1", {.arguments = {"true"}}).ok());
  }
  kill(hanging, SIGKILL);
  siginfo_t ended = {};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(hanging), &ended, WEXITED | WNOWAIT), 0);
  EXPECT_TRUE(programs.Run("/dev/pmem0", {.arguments = {"true"}}).ok());
  EXPECT_EQ(waitpid(hanging, nullptr, WNOHANG), -1);  // It was reaped.
}

}  // namespace
}  // namespace pmem::driver
