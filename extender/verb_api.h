// SPDX-License-Identifier: Apache-2.0
// POST /scheduler/filter, /scheduler/prioritize, /scheduler/preempt: decode -> decide -> encode.
//
// Answers: 200 with a result; 200 with Error set for a filter that cannot be decided now; 400 for a
// body that is not the protocol, 413 above the limit on bodies; 503 when prioritize or preempt
// cannot be decided (they have no Error member), too many calls wait, or their bodies take too much
// memory. A pod without claims is answered from the request alone.
//
// A replica that does not lead answers pods without PMEM claims, refuses the rest, and closes the
// connection either way, so that the next call finds the leader.
//
// Calls that need a wait or a live read are handed to a small pool of their own, but for one at a
// time: a scheduler asks one after the other, and handing a call over takes longer than deciding
// it. So the I/O pool needs kBlockingCallsHere threads more than it would. Thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/io/http_server.h"
#include "common/io/mutex.h"
#include "common/io/worker_pool.h"
#include "common/pure/reasons.h"
#include "extender/ledger_service.h"
#include "extender/wire/extender_v1.h"

namespace pmem::extender {

enum class Outcome { kFit, kNoFit, kUnmanaged, kError };

// Told of every filter decision; cheap and thread-safe.
class VerbObserver {
 public:
  virtual ~VerbObserver() = default;
  virtual void OnFilter(Outcome outcome, const std::vector<Reason>& reasons) = 0;
};

class VerbApi {
 public:
  static constexpr int kBlockingCallsMax = 8;  // At once; as many schedulers may wait together.
  static constexpr size_t kQueuedCallsMax = 128;
  static constexpr int kBlockingCallsHere = 1;  // On the thread that brought them.

  // All must outlive the api; the api must outlive the server's Stop.
  VerbApi(LedgerService* service, VerbObserver* observer);
  void Register(HttpServer& server, int64_t body_bytes_max = kExtenderBodyBytesMax);
  // Drops calls that still wait. Before the service goes.
  void Stop() { blocking_.Stop(); }

  // A call under way. What was decoded refers to the body: neither may move.
  struct Call {
    Call(std::string bytes, int64_t number) : body(std::move(bytes)), turn(number) {}
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    std::string body;
    const int64_t turn;                                // LedgerService::TakeTurn.
    std::optional<absl::StatusOr<ExtenderArgs>> args;  // nullopt: not decoded yet.
    std::optional<absl::StatusOr<PreemptionArgs>> preemption;
  };

  // One call each, body to answer. nullopt: this call has to block, and must not; it may be made
  // again with more patience, and is not decoded a second time.
  using Patience = LedgerService::Patience;
  std::optional<HttpResponse> Filter(Call& call, Patience patience);
  std::optional<HttpResponse> Prioritize(Call& call, Patience patience);
  std::optional<HttpResponse> Preempt(Call& call, Patience patience);

 private:
  using Verb = std::function<std::optional<HttpResponse>(Call& call, Patience patience)>;

  HttpHandler Handler(Verb verb);
  HttpResponse Parting(HttpResponse response) const;
  const absl::StatusOr<ExtenderArgs>& DecodeArgs(Call& call, ReadCandidates when);
  // The body that the candidates refer to may become the answer.
  HttpResponse EncodeFilter(std::string& body, const Candidates& candidates,
                            const FilterAnswer& answer);

  // Decoders keep their working memory between calls.
  std::unique_ptr<ExtenderDecoder> Borrow() ABSL_LOCKS_EXCLUDED(mu_);
  void Return(std::unique_ptr<ExtenderDecoder> decoder) ABSL_LOCKS_EXCLUDED(mu_);

  LedgerService* const service_;
  VerbObserver* const observer_;
  Mutex mu_;
  std::vector<std::unique_ptr<ExtenderDecoder>> decoders_ ABSL_GUARDED_BY(mu_);
  std::atomic<bool> is_busy_here_{false};
  WorkerPool blocking_;
};

}  // namespace pmem::extender
