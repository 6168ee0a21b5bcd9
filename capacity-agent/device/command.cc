// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/device/command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "capacity-agent/device/errno_status.h"
#include "capacity-agent/device/file_descriptor.h"
#include "common/io/clock.h"
#include "common/pure/status_macros.h"

namespace pmem::agent {
namespace {

constexpr int64_t kMessagesBytesMax = 4096;
// Of 64 KiB each: the largest pipe that the kernel makes.
constexpr int kReadsMax = 16;
// How long a killed program may take to go.
constexpr absl::Duration kKillTimeout = absl::Seconds(1);
// How often a program is looked at whose end nothing tells.
constexpr absl::Duration kLookPeriod = absl::Milliseconds(10);

struct Pipe {
  FileDescriptor read_end;
  FileDescriptor write_end;
};

absl::StatusOr<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe");
  Pipe pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
  // Ours alone: the other end's flags are the program's.
  fcntl(pipe.read_end.get(), F_SETFL, O_NONBLOCK);
  return pipe;
}

// posix_spawn's two parameter objects, destroyed together.
struct SpawnSetup {
  SpawnSetup() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;
  posix_spawn_file_actions_t actions = {};
  posix_spawnattr_t attributes = {};
};

std::vector<std::string> Environment() {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with("LC_ALL=")) environment.emplace_back(*entry);
  }
  environment.emplace_back("LC_ALL=C");
  return environment;
}

std::vector<char*> Pointers(std::vector<std::string>* texts) {
  std::vector<char*> pointers;
  for (std::string& text : *texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

absl::StatusOr<pid_t> Spawn(const CommandOptions& options, int out, int messages) {
  SpawnSetup setup;
  posix_spawn_file_actions_addopen(&setup.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&setup.actions, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&setup.actions, messages, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&setup.actions, STDERR_FILENO + 1);
  // Signals that this process blocks or ignores must work in the program.
  sigset_t none;
  sigset_t defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigmask(&setup.attributes, &none);
  posix_spawnattr_setsigdefault(&setup.attributes, &defaults);
  posix_spawnattr_setpgroup(&setup.attributes, 0);
  posix_spawnattr_setflags(&setup.attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::vector<std::string> arguments = options.arguments;
  std::vector<std::string> environment = Environment();
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, arguments[0].c_str(), &setup.actions, &setup.attributes,
                                 Pointers(&arguments).data(), Pointers(&environment).data());
  if (error != 0) return ErrnoStatus(error, arguments[0]);
  return pid;
}

// Reads what is there, at most a full pipe, and keeps it up to one byte more than `bytes_max`: that
// byte shows that there was more. False: the other end is closed.
bool Drain(int fd, int64_t bytes_max, std::string* text) {
  std::array<char, 65536> buffer = {};
  for (int i = 0; i < kReadsMax; ++i) {
    const ssize_t size = read(fd, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return size < 0 && errno == EAGAIN;
    const int64_t room = bytes_max + 1 - static_cast<int64_t>(text->size());
    text->append(buffer.data(), static_cast<size_t>(std::min<int64_t>(size, room)));
  }
  return true;
}

// Debian 12's header for it cannot be used from C++.
int OpenPidFd(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

struct Process {
  pid_t pid = 0;
  FileDescriptor file;  // As CommandRunner::OpenProcess has it.
};

// It is not reaped.
bool HasEnded(const Process& process) {
  siginfo_t info = {};
  const int result =
      waitid(P_PID, static_cast<id_t>(process.pid), &info, WEXITED | WNOHANG | WNOWAIT);
  return result == 0 && info.si_pid == process.pid;
}

int PollMilliseconds(const Process& process, absl::Time deadline) {
  absl::Duration left = deadline - RealClock().SteadyNow();
  if (process.file.get() < 0) left = std::min(left, kLookPeriod);
  return static_cast<int>(std::clamp<int64_t>(absl::ToInt64Milliseconds(left) + 1, 0, 60000));
}

// Collects output until the program has ended. DeadlineExceeded or ResourceExhausted: it still
// runs.
absl::Status Collect(const CommandOptions& options, const Process& process, Pipe* out,
                     Pipe* messages, CommandResult* result) {
  const absl::Time deadline = RealClock().SteadyNow() + options.timeout;
  std::array<pollfd, 3> files = {pollfd{out->read_end.get(), POLLIN, 0},
                                 pollfd{messages->read_end.get(), POLLIN, 0},
                                 pollfd{process.file.get(), POLLIN, 0}};
  while (true) {
    if (RealClock().SteadyNow() >= deadline) {
      return absl::DeadlineExceededError(
          absl::StrCat("no end after ", absl::FormatDuration(options.timeout)));
    }
    poll(files.data(), files.size(), PollMilliseconds(process, deadline));
    const bool has_ended = HasEnded(process);
    // Also after the end: what was written before it is still in the pipes.
    if (!Drain(out->read_end.get(), options.output_bytes_max, &result->output)) files[0].fd = -1;
    if (!Drain(messages->read_end.get(), kMessagesBytesMax, &result->messages)) files[1].fd = -1;
    if (static_cast<int64_t>(result->output.size()) > options.output_bytes_max) {
      return absl::ResourceExhaustedError(
          absl::StrCat("more than ", options.output_bytes_max, " bytes of output"));
    }
    if (has_ended) return absl::OkStatus();
  }
}

void WaitForEnd(const Process& process, absl::Duration at_most) {
  const absl::Time deadline = RealClock().SteadyNow() + at_most;
  while (!HasEnded(process) && RealClock().SteadyNow() < deadline) {
    pollfd file = {process.file.get(), POLLIN, 0};
    poll(&file, 1, PollMilliseconds(process, deadline));
  }
}

// Ends the whole group. False: it does not go.
bool Kill(const Process& process, absl::Duration interruption_max) {
  if (interruption_max > absl::ZeroDuration()) {
    kill(-process.pid, SIGINT);
    WaitForEnd(process, interruption_max);
  }
  kill(-process.pid, SIGKILL);
  WaitForEnd(process, kKillTimeout);
  return waitpid(process.pid, nullptr, WNOHANG) == process.pid;
}

absl::StatusOr<int> ExitStatus(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return ErrnoStatus(errno, "waitpid");
  }
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  return absl::AbortedError(absl::StrCat("ended by signal ", WTERMSIG(status)));
}

}  // namespace

absl::StatusOr<CommandResult> CommandRunner::Run(const CommandOptions& options) {
  if (stuck_pid_ != 0 && waitpid(stuck_pid_, nullptr, WNOHANG) == 0) {
    return absl::UnavailableError(
        absl::StrCat("process ", stuck_pid_, " of an earlier call still hangs"));
  }
  stuck_pid_ = 0;
  PMEM_ASSIGN_OR_RETURN(Pipe out, MakePipe());
  PMEM_ASSIGN_OR_RETURN(Pipe messages, MakePipe());
  PMEM_ASSIGN_OR_RETURN(const pid_t pid,
                        Spawn(options, out.write_end.get(), messages.write_end.get()));
  out.write_end.Reset();
  messages.write_end.Reset();
  const OpenProcess open = open_process_ == nullptr ? OpenPidFd : open_process_;
  const Process process = {pid, FileDescriptor(open(pid))};
  CommandResult result;
  const absl::Status collected = Collect(options, process, &out, &messages, &result);
  if (!collected.ok()) {
    if (!Kill(process, options.interruption_max)) stuck_pid_ = pid;
    return collected;
  }
  PMEM_ASSIGN_OR_RETURN(result.exit_status, ExitStatus(pid));
  result.messages.resize(std::min(result.messages.size(), static_cast<size_t>(kMessagesBytesMax)));
  return result;
}

absl::StatusOr<CommandResult> RunToSuccess(CommandRunner* runner, const CommandOptions& options,
                                           const std::vector<int>& good) {
  const std::string what =
      options.name.empty() ? absl::StrJoin(options.arguments, " ") : options.name;
  absl::StatusOr<CommandResult> result = runner->Run(options);
  if (absl::IsResourceExhausted(result.status()) || absl::IsAborted(result.status())) {
    return absl::UnavailableError(absl::StrCat(what, ": ", result.status().message()));
  }
  if (!result.ok()) return Annotate(result.status(), what);
  if (std::find(good.begin(), good.end(), result->exit_status) != good.end()) return result;
  absl::StripAsciiWhitespace(&result->messages);
  return absl::UnavailableError(
      absl::StrCat(what, ": exit status ", result->exit_status, ": ",
                   absl::StrReplaceAll(result->messages, {{"\n", "; "}})));
}

}  // namespace pmem::agent
