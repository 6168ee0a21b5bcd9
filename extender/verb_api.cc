// SPDX-License-Identifier: Apache-2.0
#include "extender/verb_api.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/io/log.h"
#include "common/pure/absl_view.h"

namespace pmem::extender {
namespace {

constexpr size_t kDecodersKeptMax = 4;

// The decoder needs no copy of what the server has read.
static_assert(pmem::kBodyPaddingBytes >= kBodyPaddingBytes);

HttpResponse BadBody(const absl::Status& status) {
  return ProblemResponse(400, "Not the scheduler extender protocol", std::string(status.message()));
}

HttpResponse Busy(std::string_view detail) {
  return ProblemResponse(503, "Cannot be decided now", detail);
}

HttpResponse Ok(std::string body) { return {.body = std::move(body)}; }

// One line for each decision about persistent memory, for who asks afterwards why a pod went where
// it went. Pods without are far more, and their answer is always the same.
void LogFilter(const Pod& pod, const FilterAnswer& answer) {
  if (!answer.is_pmem || !LogEnabled(LogLevel::kDebug)) return;
  std::map<std::string_view, int> counts;
  for (const Reason reason : answer.reasons) ++counts[ReasonName(reason)];
  std::string verdicts;
  for (const auto& [name, count] : counts) {
    absl::StrAppend(&verdicts, verdicts.empty() ? "" : " ", AbslView(name), "=", count);
  }
  LogDebug("verb", "filter",
           {{"kube_namespace", pod.meta.key.kube_namespace},
            {"pod", pod.meta.key.name},
            {"uid", pod.meta.uid},
            {"verdicts", verdicts},
            {"named", static_cast<int64_t>(answer.named_count)},
            {"error", answer.error}});
}

NodeAnswer AnswerOf(Reason reason) {
  if (reason == Reason::kFits) return {};
  return {.verdict = IsForNow(reason) ? NodeVerdict::kRefusedForNow : NodeVerdict::kRefused,
          .reason = ReasonText(reason)};
}

}  // namespace

VerbApi::VerbApi(LedgerService* service, VerbObserver* observer)
    : service_(service),
      observer_(observer),
      blocking_("verb", kBlockingCallsMax, kQueuedCallsMax) {}

void VerbApi::Register(HttpServer& server, int64_t body_bytes_max) {
  const auto add = [&](const char* path, auto verb) {
    server.Handle("POST", path, Handler([this, verb](Call& call, Patience patience) {
                    return (this->*verb)(call, patience);
                  }),
                  body_bytes_max);
  };
  add("/scheduler/filter", &VerbApi::Filter);
  add("/scheduler/prioritize", &VerbApi::Prioritize);
  add("/scheduler/preempt", &VerbApi::Preempt);
}

HttpHandler VerbApi::Handler(Verb verb) {
  return [this, verb = std::move(verb)](HttpRequest request, const Responder& respond) {
    const auto call = std::make_shared<Call>(std::move(request.body), service_->TakeTurn());
    auto response = verb(*call, Patience::kNone);
    if (response) return respond(Parting(*std::move(response)));
    const auto finish = [this, verb, call, respond] {
      auto late = verb(*call, Patience::kBlocks).value_or(Busy("the leader changed meanwhile"));
      respond(Parting(std::move(late)));
    };
    if (!is_busy_here_.exchange(true)) {
      const auto leave = absl::MakeCleanup([this] { is_busy_here_ = false; });
      finish();
    } else if (!blocking_.Submit(finish)) {
      respond(Busy("too many calls wait"));
    }
  };
}

// A Service chooses the pod of a connection once, and kube-scheduler keeps its connection: it would
// ask a replica that leads no more for ever.
HttpResponse VerbApi::Parting(HttpResponse response) const {
  if (!service_->MayWrite()) response.headers["Connection"] = "close";
  return response;
}

std::unique_ptr<ExtenderDecoder> VerbApi::Borrow() {
  MutexLock lock(&mu_);
  if (decoders_.empty()) return std::make_unique<ExtenderDecoder>();
  std::unique_ptr<ExtenderDecoder> decoder = std::move(decoders_.back());
  decoders_.pop_back();
  return decoder;
}

void VerbApi::Return(std::unique_ptr<ExtenderDecoder> decoder) {
  MutexLock lock(&mu_);
  if (decoders_.size() < kDecodersKeptMax) decoders_.push_back(std::move(decoder));
}

const absl::StatusOr<ExtenderArgs>& VerbApi::DecodeArgs(Call& call, ReadCandidates when) {
  auto decoder = Borrow();
  const auto& args = call.args.emplace(decoder->DecodeArgs(call.body, when));
  Return(std::move(decoder));
  return args;
}

std::optional<HttpResponse> VerbApi::Filter(Call& call, Patience patience) {
  const absl::StatusOr<ExtenderArgs>& args =
      call.args ? *call.args : DecodeArgs(call, ReadCandidates::kIfPodHasClaims);
  if (!args.ok()) return BadBody(args.status());
  const auto answer = service_->Filter(args->pod, args->candidates.names, patience, call.turn);
  if (!answer) return std::nullopt;
  LogFilter(args->pod, *answer);
  return EncodeFilter(call.body, args->candidates, *answer);
}

HttpResponse VerbApi::EncodeFilter(std::string& body, const Candidates& candidates,
                                   const FilterAnswer& answer) {
  if (!answer.error.empty()) {
    observer_->OnFilter(Outcome::kError, {});
    return Ok(EncodeFilterError(answer.error));
  }
  if (!answer.is_pmem) {
    observer_->OnFilter(Outcome::kUnmanaged, {});
    return Ok(EncodeAllPassInPlace(candidates, body));
  }
  observer_->OnFilter(answer.named_count > 0 ? Outcome::kFit : Outcome::kNoFit, answer.reasons);
  if (answer.named_count == answer.is_named.size()) {
    return Ok(EncodeAllPassInPlace(candidates, body));
  }
  std::vector<NodeAnswer> answers;
  answers.reserve(answer.reasons.size());
  for (size_t i = 0; i < answer.reasons.size(); ++i) {
    answers.push_back(AnswerOf(answer.reasons[i]));
    if (answer.reasons[i] == Reason::kFits && !answer.is_named[i]) {
      answers.back().verdict = NodeVerdict::kUnnamed;
    }
  }
  return Ok(EncodeFilterResult(candidates, answers));
}

std::optional<HttpResponse> VerbApi::Prioritize(Call& call, Patience patience) {
  const absl::StatusOr<ExtenderArgs>* decoded =
      call.args ? &*call.args : &DecodeArgs(call, ReadCandidates::kIfPodHasClaims);
  if (decoded->ok() && (*decoded)->pod.volumes.empty()) {
    if (service_->RanksPlainPodsAlike()) return Ok(EncodeHostPriorityList({}, {}));
    decoded = &DecodeArgs(call, ReadCandidates::kAlways);
  }
  const absl::StatusOr<ExtenderArgs>& args = *decoded;
  if (!args.ok()) return BadBody(args.status());
  const auto answer = service_->Prioritize(args->pod, args->candidates.names, patience);
  if (!answer) return std::nullopt;
  if (!answer->error.empty()) return Busy(answer->error);
  return Ok(EncodeHostPriorityList(args->candidates, answer->scores));
}

std::optional<HttpResponse> VerbApi::Preempt(Call& call, Patience patience) {
  if (!call.preemption) {
    auto decoder = Borrow();
    call.preemption = decoder->DecodePreemption(call.body);
    Return(std::move(decoder));
  }
  const absl::StatusOr<PreemptionArgs>& args = *call.preemption;
  if (!args.ok()) return BadBody(args.status());
  std::vector<std::string_view> names;
  for (const NodeVictims& node : args->nodes) names.push_back(node.node);
  const auto answer = service_->Preempt(args->pod, names, patience);
  if (!answer) return std::nullopt;
  if (!answer->error.empty()) return Busy(answer->error);
  return Ok(EncodePreemptionResult(*args, answer->is_kept));
}

}  // namespace pmem::extender
