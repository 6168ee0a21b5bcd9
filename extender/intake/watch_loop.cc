// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/watch_loop.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/io/log.h"
#include "common/pure/absl_view.h"
#include "common/pure/status_macros.h"

namespace pmem::extender {
namespace {

constexpr std::string_view kComponent = "watch";
// What ends a silent stream is long enough for it to count as mute.
static_assert(kWatchSilenceMax >= kReflectorHealthyAfter);

// Those that are not empty, as a query. "": none is.
std::string Query(std::initializer_list<std::pair<std::string_view, std::string_view>> parameters) {
  std::string query;
  for (const auto& [name, value] : parameters) {
    if (value.empty()) continue;
    absl::StrAppend(&query, query.empty() ? "?" : "&", AbslView(name), "=", PercentEncode(value));
  }
  return query;
}

}  // namespace

WatchLoop::WatchLoop(Options options, KubeClient* client, std::unique_ptr<WatchedKind> watched,
                     const Clock* clock)
    : options_(std::move(options)),
      client_(client),
      watched_(std::move(watched)),
      clock_(clock),
      random_(std::random_device()()) {
  MutexLock lock(&mu_);
  health_.kind = options_.kind;
}

WatchLoop::~WatchLoop() { Stop(); }

void WatchLoop::Start() {
  {
    MutexLock lock(&mu_);
    heard_at_ = clock_->SteadyNow();
  }
  thread_ = std::make_unique<Thread>(absl::StrCat("watch-", options_.kind), [this] { Run(); });
}

void WatchLoop::Relist(int64_t round) {
  wanted_round_ = round;
  BreakOff();
}

void WatchLoop::BeginStop() {
  is_stopped_ = true;
  BreakOff();
}

void WatchLoop::BreakOff() {
  is_broken_off_.Set();
  MutexLock lock(&mu_);
  broken_off_.SignalAll();
}

void WatchLoop::Stop() {
  BeginStop();
  thread_.reset();
}

WatchHealth WatchLoop::Health() const {
  const absl::Time now = clock_->SteadyNow();
  MutexLock lock(&mu_);
  WatchHealth health = health_;
  if (heard_at_ != absl::InfinitePast()) {
    health.silence = std::max(now - heard_at_, absl::ZeroDuration());
  }
  return health;
}

void WatchLoop::Run() {
  while (true) {
    if (is_broken_off_.Clear()) state_.Relist();
    if (is_stopped_) return;
    const ReflectorRequest request = state_.Next(Jitter());
    if (request.begins_anew) {
      watched_->BeginAnew();
      parts_ = 0;
      round_ = wanted_round_;
    }
    if (!WaitFor(request.delay * options_.patience)) continue;
    request.kind == ReflectorRequest::Kind::kList ? List(request) : Stream(request);
  }
}

bool WatchLoop::WaitFor(absl::Duration delay) {
  const absl::Time end = clock_->SteadyNow() + delay;
  MutexLock lock(&mu_);
  while (!is_broken_off_.is_set()) {
    const absl::Duration left = end - clock_->SteadyNow();
    if (left <= absl::ZeroDuration()) return true;
    broken_off_.WaitWithTimeout(&mu_, left);
  }
  return false;
}

void WatchLoop::List(const ReflectorRequest& request) {
  ApiFailure refusal;
  std::string frame;
  const absl::Status status = client_->ReadList(
      ListPath(request), [this](std::string_view item) { return OnItem(item); }, is_broken_off_,
      &frame, &refusal);
  if (is_broken_off_.is_set()) return;
  if (!status.ok()) return Fail({.message = std::string(status.message())});
  if (refusal.code != 0) return Fail(refusal);
  OnListEnd(request, frame);
}

absl::Status WatchLoop::OnItem(std::string_view item) {
  absl::Status object_error;
  PMEM_RETURN_IF_ERROR(watched_->ReadItem(item, &object_error));
  if (!object_error.ok()) NoteObjectError(object_error);
  NoteProgress();
  return absl::OkStatus();
}

void WatchLoop::OnListEnd(const ReflectorRequest& request, std::string_view frame) {
  const absl::StatusOr<ListFacts> facts = watched_->ReadFrame(frame);
  if (!facts.ok()) return Fail({.message = std::string(facts.status().message())});
  const bool is_same = facts->continue_token == request.continue_token;
  if (!facts->continue_token.empty() && (is_same || ++parts_ >= kListPartsMax)) {
    return Fail({.message = absl::StrCat("the list does not end after ", parts_, " parts")});
  }
  NoteProgress();
  Perform(state_.OnListEnd(facts->resource_version, facts->continue_token));
}

void WatchLoop::Stream(const ReflectorRequest& request) {
  ApiFailure refusal;
  event_failure_.reset();
  state_.OnStreamBegin(clock_->SteadyNow());
  const absl::Status status = client_->Watch(
      WatchPath(request), [this](std::string_view line) { return OnLine(line); }, is_broken_off_,
      &refusal);
  if (is_broken_off_.is_set()) return;
  if (event_failure_.has_value()) return Fail(*event_failure_, true);
  if (!status.ok()) return Fail({.message = std::string(status.message())});
  if (refusal.code != 0) return Fail(refusal);
  state_.OnStreamEnd(clock_->SteadyNow());
}

absl::Status WatchLoop::OnLine(std::string_view line) {
  absl::StatusOr<EventFacts> event = watched_->ReadEvent(line);
  if (!event.ok()) return event.status();
  if (event->type == WatchEventType::kError) {
    event_failure_ = std::move(event->failure);
    return absl::AbortedError("the watch ended with an error event");
  }
  if (!event->object_error.ok()) NoteObjectError(event->object_error);
  NoteProgress();
  Perform(state_.OnEvent(event->type, event->resource_version));
  return absl::OkStatus();
}

void WatchLoop::Perform(ReflectorAction action) {
  watched_->Perform(action);
  const bool is_set_back = action == ReflectorAction::kPublishSetBack;
  if (action != ReflectorAction::kPublish && !is_set_back) return;
  if (is_set_back) {
    LogWarning(kComponent, "the API server's data is older than it was: it counts all the same",
               {{"kind", options_.kind}});
  }
  {
    MutexLock lock(&mu_);
    ++health_.relists;
  }
  LogInfo(kComponent, "in step with the API server",
          {{"kind", options_.kind}, {"resource_version", state_.resource_version()}});
  if (options_.on_listed) options_.on_listed(round_);
}

void WatchLoop::Fail(const ApiFailure& failure, bool is_event) {
  const absl::Time now = clock_->SteadyNow();
  is_event ? state_.OnErrorEvent(failure, now) : state_.OnFailure(failure, now);
  {
    MutexLock lock(&mu_);
    ++health_.failures;
  }
  LogWarning(kComponent, "list or watch failed; what was known stands",
             {{"kind", options_.kind},
              {"code", failure.code},
              {"reason", failure.reason},
              {"error", failure.message}});
}

void WatchLoop::NoteProgress() {
  const absl::Time now = clock_->SteadyNow();
  MutexLock lock(&mu_);
  heard_at_ = now;
}

void WatchLoop::NoteObjectError(const absl::Status& error) {
  {
    MutexLock lock(&mu_);
    ++health_.decode_errors;
  }
  LogWarning(kComponent, "an object is left out: it cannot be decoded",
             {{"kind", options_.kind}, {"error", error}});
}

std::string WatchLoop::ListPath(const ReflectorRequest& request) const {
  return absl::StrCat(ApiPath(options_.resource, options_.kube_namespace),
                      Query({{"fieldSelector", options_.field_selector},
                             {"labelSelector", options_.label_selector},
                             {"continue", request.continue_token}}));
}

std::string WatchLoop::WatchPath(const ReflectorRequest& request) {
  const absl::Duration duration =
      kWatchDurationMin + (kWatchDurationMax - kWatchDurationMin) * Jitter();
  return absl::StrCat(ApiPath(options_.resource, options_.kube_namespace),
                      Query({{"watch", "true"},
                             {"allowWatchBookmarks", "true"},
                             {"timeoutSeconds", absl::StrCat(absl::ToInt64Seconds(duration))},
                             {"fieldSelector", options_.field_selector},
                             {"labelSelector", options_.label_selector},
                             {"resourceVersion", request.resource_version}}));
}

double WatchLoop::Jitter() { return std::uniform_real_distribution<double>(0, 1)(random_); }

}  // namespace pmem::extender
