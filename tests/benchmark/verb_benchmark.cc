// SPDX-License-Identifier: Apache-2.0
// What a scheduler waits for: filter and prioritize over HTTP, each call paired with the same bytes
// through a bare handler of the same library; and the decision alone. The client is a process of
// its own. Prints one JSON object a line; ./dev bench makes tables of them.
//
// usage: verb-benchmark NODES names|full pmem|plain CALLS
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
#include "tests/benchmark/bare_listener.h"
#include "tests/benchmark/calls.h"
#include "tests/support/raw_socket.h"

namespace pmem::extender {
namespace {

constexpr int kWarmUpCalls = 5;
constexpr int kIoThreads = 4;

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

 private:
  int fds_[2];
};

int FreePort() {
  const ListeningSocket socket;
  return socket.port();
}

int RunFloor(const Setup& setup, Pipe& port, Pipe& end) {
  std::map<std::string, std::string> answers;
  {
    BenchmarkWorld world(setup.nodes);
    NoObserver observer;
    VerbApi verbs(&world.service(), &observer);
    const std::string args = ArgsJson(setup);
    answers["/scheduler/filter"] = Decide(verbs, "filter", args, nullptr);
    answers["/scheduler/prioritize"] = Decide(verbs, "prioritize", args, nullptr);
    verbs.Stop();
  }
  StartIoThreads(kIoThreads);
  const int number = FreePort();
  const BareListener listener(number, std::move(answers));
  port.Put(number);
  end.Get();
  return 0;
}

int RunClient(const Setup& setup, Pipe& our_port, Pipe& floor_port) {
  const int ports[2] = {our_port.Get(), floor_port.Get()};
  MeasurePair("filter", setup, ports);
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

int Run(const Setup& setup) {
  Pipe our_port, floor_port, end;
  const pid_t floor = ::fork();
  if (floor == 0) return RunFloor(setup, floor_port, end);
  const pid_t client = ::fork();
  if (client == 0) return RunClient(setup, our_port, floor_port);
  const int code = RunOurs(setup, our_port, client);
  end.Put(0);
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
                              .calls = std::stoi(words[4])});
}
