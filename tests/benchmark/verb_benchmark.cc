// SPDX-License-Identifier: Apache-2.0
// What a scheduler waits for: filter and prioritize over HTTP, each call paired with the same bytes
// through a bare handler of the same library; and the decision alone. The client is a process of
// its own. Prints one JSON object a line; ./dev bench makes tables of them.
//
// usage: verb-benchmark NODES names|full pmem|plain CALLS
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/io/clock.h"
#include "common/io/files.h"
#include "common/io/http_server.h"
#include "common/io/mutex.h"
#include "common/io/process_stats.h"
#include "common/pure/check.h"
#include "common/pure/json_writer.h"
#include "extender/verb_api.h"
#include "extender/wire/extender_v1.h"
#include "tests/benchmark/calls.h"
#include "tests/support/raw_socket.h"

namespace pmem::extender {
namespace {

constexpr int kWarmUpCalls = 5;
constexpr int kIoThreads = 2;  // As the extender has by default (--io-threads).

std::string Post(int port, std::string_view path, std::string_view body) {
  return absl::StrCat("POST ", std::string(path), " HTTP/1.1\r\nHost: 127.0.0.1:", port,
                      "\r\nContent-Type: application/json\r\nContent-Length: ", body.size(),
                      "\r\n\r\n", std::string(body));
}

// One connection and the request that it repeats.
class Caller {
 public:
  Caller(int port, std::string_view path, std::string_view body)
      : request_(Post(port, path, body)), socket_(port) {}
  std::string Call(const Clock& clock, Samples* samples) {
    const absl::Time start = clock.SteadyNow();
    socket_.Send(request_);
    std::string answer = socket_.Receive(60'000);
    if (samples != nullptr) samples->Add(clock.SteadyNow() - start);
    if (StatusOf(answer) != "200") {
      std::fprintf(stderr, "verb-benchmark: no answer: %.200s\n", answer.c_str());
      std::exit(1);
    }
    return BodyOf(answer);
  }

 private:
  const std::string request_;
  RawSocket socket_;
};

void Print(std::string_view what, const Setup& setup, Samples& floor, Samples& ours) {
  JsonWriter line;
  line.BeginObject().String("what", what).Int("nodes", setup.nodes);
  line.String("body", setup.is_full ? "full" : "names");
  line.String("pod", setup.is_pmem ? "pmem" : "plain");
  line.Int("p50_us", static_cast<int64_t>(ours.Quantile(0.5)));
  line.Int("p99_us", static_cast<int64_t>(ours.Quantile(0.99)));
  if (!floor.empty()) {
    line.Int("floor_p50_us", static_cast<int64_t>(floor.Quantile(0.5)));
    line.Int("floor_p99_us", static_cast<int64_t>(floor.Quantile(0.99)));
  }
  std::printf("%s\n", line.EndObject().Take().c_str());
  std::fflush(stdout);
}

// Each pair one after the other, so that what else the machine does meets both.
void MeasurePair(const char* verb, const Setup& setup, const int (&ports)[2]) {
  const RealClock clock;
  const std::string path = absl::StrCat("/scheduler/", verb);
  const std::string body = ArgsJson(setup);
  Caller ours(ports[0], path, body), floor(ports[1], path, body);
  const std::string answer = ours.Call(clock, nullptr);
  if (floor.Call(clock, nullptr) != answer) {
    std::fprintf(stderr, "verb-benchmark: the floor does not answer the same bytes\n");
    std::exit(1);
  }
  for (int i = 0; i < kWarmUpCalls; ++i) ours.Call(clock, nullptr), floor.Call(clock, nullptr);
  Samples our_samples, floor_samples;
  for (int i = 0; i < setup.calls; ++i) {
    floor.Call(clock, &floor_samples);
    ours.Call(clock, &our_samples);
  }
  Print(verb, setup, floor_samples, our_samples);
}

void MeasureDecision(const Setup& setup, VerbApi& verbs) {
  const std::string args = ArgsJson(setup);
  for (const char* verb : {"filter", "prioritize"}) {
    Samples samples, none;
    for (int i = 0; i < setup.calls; ++i) {
      Decide(verbs, verb, args, i < kWarmUpCalls ? nullptr : &samples);
    }
    Print(absl::StrCat(verb, " decision"), setup, none, samples);
  }
}

int64_t PeakBytes() {
  const auto status = ReadFile("/proc/self/status", 65536);
  const size_t at = status.ok() ? status->find("VmHWM:") : std::string::npos;
  return at == std::string::npos ? 0 : std::stoll(status->substr(at + 6)) * 1024;
}

void PrintMemory(std::string_view what, const Setup& setup, int64_t before_bytes) {
  const int64_t peak_bytes = PeakBytes();  // Before a body is made here, too.
  JsonWriter line;
  line.BeginObject().String("what", what).Int("nodes", setup.nodes);
  line.String("body", setup.is_full ? "full" : "names");
  line.String("pod", setup.is_pmem ? "pmem" : "plain");
  line.Int("body_bytes", static_cast<int64_t>(ArgsJson(setup).size()));
  line.Int("resident_before_bytes", before_bytes).Int("resident_peak_bytes", peak_bytes);
  std::printf("%s\n", line.EndObject().Take().c_str());
  std::fflush(stdout);
}

// A number travelling from one process to another, once.
class Pipe {
 public:
  Pipe() { PMEM_CHECK(::pipe(fds_) == 0); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void Put(int number) { PMEM_CHECK(::write(fds_[1], &number, sizeof(number)) == sizeof(number)); }
  int Get() {
    int number = 0;
    PMEM_CHECK(::read(fds_[0], &number, sizeof(number)) == sizeof(number));
    return number;
  }
  int in() const { return fds_[1]; }
  int out() const { return fds_[0]; }

 private:
  int fds_[2];
};

int FreePort() {
  const ListeningSocket socket;
  return socket.port();
}

int AnswersFile(const Setup& setup) {
  BenchmarkWorld world(setup.nodes);
  NoObserver observer;
  VerbApi verbs(&world.service(), &observer);
  const std::string args = ArgsJson(setup);
  std::string answers;
  for (const char* verb : {"filter", "prioritize"}) {
    const std::string answer = Decide(verbs, verb, args, nullptr);
    absl::StrAppend(&answers, "/scheduler/", verb, " ", answer.size(), "\n", answer);
  }
  verbs.Stop();
  const int file = ::memfd_create("answers", 0);
  PMEM_CHECK(::write(file, answers.data(), answers.size()) == static_cast<ssize_t>(answers.size()));
  PMEM_CHECK(::lseek(file, 0, SEEK_SET) == 0);
  return file;
}

// Does not return: becomes the program beside this one.
int RunFloor(const Setup& setup, const Pipe& port, const Pipe& end, const std::string& program) {
  const std::string answers = std::to_string(AnswersFile(setup));
  const std::string number = std::to_string(FreePort());
  const std::string threads = std::to_string(kIoThreads), ready = std::to_string(port.in());
  PMEM_CHECK(::dup2(end.out(), STDIN_FILENO) == STDIN_FILENO);
  ::close(end.in());
  ::execl(program.c_str(), program.c_str(), number.c_str(), threads.c_str(), answers.c_str(),
          ready.c_str(), nullptr);
  std::perror(program.c_str());
  return 1;
}

int RunClient(const Setup& setup, Pipe& our_port, Pipe& floor_port) {
  const int ports[2] = {our_port.Get(), floor_port.Get()};
  if (!getenv("ONLYP")) MeasurePair("filter", setup, ports);
  if (!setup.is_full) MeasurePair("prioritize", setup, ports);
  return 0;
}

int RunOurs(const Setup& setup, Pipe& port, pid_t client) {
  StartIoThreads(kIoThreads);
  BenchmarkWorld world(setup.nodes);
  NoObserver observer;
  VerbApi verbs(&world.service(), &observer);
  const int64_t before_bytes = ReadProcessStats().resident_bytes;
  HttpServer server;
  verbs.Register(server);
  const auto number = server.Start("127.0.0.1:0");
  PMEM_CHECK(number.ok());
  port.Put(*number);
  int status = 0;
  ::waitpid(client, &status, 0);
  PrintMemory("memory", setup, before_bytes);
  MeasureDecision(setup, verbs);
  verbs.Stop();
  server.Stop();
  return status == 0 ? 0 : 1;
}

int Run(const Setup& setup, const std::string& floor_program) {
  Pipe our_port, floor_port, end;
  const pid_t floor = ::fork();
  if (floor == 0) return RunFloor(setup, floor_port, end, floor_program);
  const pid_t client = ::fork();
  if (client == 0) {
    ::close(end.in());
    return RunClient(setup, our_port, floor_port);
  }
  const int code = RunOurs(setup, our_port, client);
  ::close(end.in());
  ::waitpid(floor, nullptr, 0);
  return code;
}

}  // namespace
}  // namespace pmem::extender

int main(int argc, char** argv) {
  pmem::TrustLockOrder();
  const std::vector<std::string> words(argv, argv + argc);
  if (argc != 5 || std::atoi(argv[1]) <= 0 || std::atoi(argv[4]) <= 0) {
    std::fprintf(stderr, "usage: verb-benchmark NODES names|full pmem|plain CALLS\n");
    return 2;
  }
  return pmem::extender::Run({.nodes = std::stoi(words[1]),
                              .is_full = words[2] == "full",
                              .is_pmem = words[3] == "pmem",
                              .calls = std::stoi(words[4])},
                             words[0].substr(0, words[0].rfind('/') + 1) + "bare-listener");
}
