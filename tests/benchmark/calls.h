// SPDX-License-Identifier: Apache-2.0
// The calls that benchmarks make: bodies as kube-scheduler sends them, and one decision without the
// network.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/io/clock.h"
#include "common/io/http_server.h"
#include "extender/verb_api.h"
#include "tests/benchmark/samples.h"
#include "tests/benchmark/world.h"

namespace pmem::extender {

inline constexpr size_t kNodeObjectBytes = 15'000;  // As kubelets and cloud controllers make them.

struct Setup {
  int nodes = 0;
  bool is_full = false;
  bool is_pmem = false;
  int calls = 0;
};

inline std::string PodJson(bool is_pmem) {
  std::string volumes;
  if (is_pmem) {
    volumes = R"({"name":"a","persistentVolumeClaim":{"claimName":"claim-1"}},)"
              R"({"name":"b","persistentVolumeClaim":{"claimName":"claim-2"}})";
  }
  return absl::StrCat(R"({"metadata":{"name":"pod-1","namespace":"default","uid":")", Uid(1000001),
                      R"("},"spec":{"containers":[{"name":"c","image":"i"}],"volumes":[)", volumes,
                      R"(],"schedulerName":"default-scheduler"},"status":{"phase":"Pending"}})");
}

inline std::string ArgsJson(const Setup& setup) {
  const std::string padding(kNodeObjectBytes, 'x');
  std::string list;
  for (int i = 0; i < setup.nodes; ++i) {
    if (i > 0) list.push_back(',');
    if (setup.is_full) {
      absl::StrAppend(&list, R"({"metadata":{"name":")", BenchmarkNode(i),
                      R"(","annotations":{"padding":")", padding, R"("}},"spec":{},"status":{}})");
    } else {
      absl::StrAppend(&list, "\"", BenchmarkNode(i), "\"");
    }
  }
  return setup.is_full
             ? absl::StrCat(R"({"Pod":)", PodJson(setup.is_pmem),
                            R"(,"Nodes":{"metadata":{},"items":[)", list, R"(]},"NodeNames":null})")
             : absl::StrCat(R"({"Pod":)", PodJson(setup.is_pmem), R"(,"Nodes":null,"NodeNames":[)",
                            list, "]}");
}

class NoObserver final : public VerbObserver {
 public:
  void OnFilter(Outcome, const std::vector<Reason>&) override {}
};

// What happens between the body and the answer. The answer's body.
inline std::string Decide(VerbApi& verbs, std::string_view verb, const std::string& args,
                          Samples* samples) {
  const RealClock clock;
  std::string body;
  body.reserve(args.size() + kBodyPaddingBytes);
  body = args;
  const absl::Time start = clock.SteadyNow();
  static int64_t turn = int64_t{1} << 32;  // After all calls that came over HTTP.
  VerbApi::Call call(std::move(body), ++turn);
  const auto answer = verb == "filter" ? verbs.Filter(call, LedgerService::Patience::kBlocks)
                                       : verbs.Prioritize(call, LedgerService::Patience::kBlocks);
  if (samples != nullptr) samples->Add(clock.SteadyNow() - start);
  if (!answer || answer->status != 200) {
    std::fprintf(stderr, "%s is not decided\n", std::string(verb).c_str());
    std::exit(1);
  }
  return answer->body;
}

}  // namespace pmem::extender
