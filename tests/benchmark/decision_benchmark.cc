// SPDX-License-Identifier: Apache-2.0
// Decisions without the network, the same ones each time: what callgrind counts instructions of.
//
// usage: decision-benchmark filter|prioritize NODES names|full pmem|plain CALLS
#include "common/io/mutex.h"
#include "tests/benchmark/calls.h"

namespace pmem::extender {
namespace {

int Run(const std::string& verb, const Setup& setup) {
  BenchmarkWorld world(setup.nodes);
  NoObserver observer;
  VerbApi verbs(&world.service(), &observer);
  const std::string args = ArgsJson(setup);
  Samples samples;
  for (int i = 0; i < setup.calls; ++i) Decide(verbs, verb, args, &samples);
  std::printf("%s: p50 %.0f us, p99 %.0f us\n", verb.c_str(), samples.Quantile(0.5),
              samples.Quantile(0.99));
  verbs.Stop();
  return 0;
}

}  // namespace
}  // namespace pmem::extender

int main(int argc, char** argv) {
  pmem::TrustLockOrder();
  const std::vector<std::string> words(argv, argv + argc);
  if (argc != 6 || std::atoi(argv[2]) <= 0 || std::atoi(argv[5]) <= 0) {
    std::fprintf(stderr, "usage: decision-benchmark VERB NODES names|full pmem|plain CALLS\n");
    return 2;
  }
  return pmem::extender::Run(words[1], {.nodes = std::stoi(words[2]),
                                        .is_full = words[3] == "full",
                                        .is_pmem = words[4] == "pmem",
                                        .calls = std::stoi(words[5])});
}
