// SPDX-License-Identifier: Apache-2.0
// Runs another program, bounded in time and output, without a shell.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace pmem::agent {

// A command that writes gets so many times the time of one that reads: what is cut off half-way
// begins anew, on a slow node for ever.
inline constexpr int kWritingFactor = 5;

struct CommandOptions {
  std::vector<std::string> arguments;  // [0] is the program, looked up in PATH.
  absl::Duration timeout = absl::Seconds(10);
  // At its end it is interrupted (SIGINT), and killed when it has not ended so much later.
  absl::Duration interruption_max = absl::ZeroDuration();
  int64_t output_bytes_max = int64_t{1} << 20;  // Of stdout. Of stderr the first 4 KiB are kept.
  std::string name;  // Of the call, in RunToSuccess's errors. Empty: all arguments.
};

struct CommandResult {
  int exit_status = 0;
  std::string output;    // stdout
  std::string messages;  // stderr
};

// Not thread-safe. A program that does not even die when it is killed (it hangs in the kernel) is
// left behind; until it is gone no other is started, so that they do not pile up.
class CommandRunner {
 public:
  // A descriptor that becomes readable when the process ends, or -1: then it is looked at again and
  // again. The kernel may not have such (before 5.3), or none to give. Another one: for tests.
  using OpenProcess = int (*)(pid_t pid);
  explicit CommandRunner(OpenProcess open_process = nullptr) : open_process_(open_process) {}

  // The program gets an empty stdin, no other open file, its own process group and our environment
  // with LC_ALL=C. Errors: those of ErrnoStatus when it cannot be started, NotFound when there is
  // no such program; DeadlineExceeded and ResourceExhausted after the group was killed, Unavailable
  // while an earlier one still hangs, Aborted when a signal ended it. An exit status is a result,
  // not an error.
  absl::StatusOr<CommandResult> Run(const CommandOptions& options);
  // What was left behind; 0: nothing.
  pid_t stuck_pid() const { return stuck_pid_; }

 private:
  const OpenProcess open_process_;
  pid_t stuck_pid_ = 0;
};

// An exit status that is not in `good` is Unavailable, with what the program said on stderr; so is
// what Run calls ResourceExhausted or Aborted, which mean something else to who called us.
absl::StatusOr<CommandResult> RunToSuccess(CommandRunner* runner, const CommandOptions& options,
                                           const std::vector<int>& good = {0});

}  // namespace pmem::agent
