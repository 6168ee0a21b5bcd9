// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/watch_loop.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/io/log.h"
#include "common/pure/absl_view.h"
#include "common/pure/status_macros.h"

namespace pmem::extender {
namespace {

constexpr std::string_view kComponent = "watch";

void AppendSelectors(const WatchLoop::Options& options, std::string* path) {
  if (!options.field_selector.empty()) {
    absl::StrAppend(path, "&fieldSelector=", PercentEncode(options.field_selector));
  }
  if (!options.label_selector.empty()) {
    absl::StrAppend(path, "&labelSelector=", PercentEncode(options.label_selector));
  }
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
  is_broken_off_ = true;
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
    if (is_broken_off_.exchange(false)) state_.Relist();
    if (is_stopped_) return;
    const ReflectorRequest request = state_.Next(Jitter());
    if (request.begins_anew) {
      watched_->BeginAnew();
      pages_ = 0;
      round_ = wanted_round_;
    }
    if (!WaitFor(request.delay)) continue;
    request.kind == ReflectorRequest::Kind::kList ? List(request) : Stream(request);
  }
}

bool WatchLoop::WaitFor(absl::Duration delay) {
  const absl::Time end = clock_->SteadyNow() + delay;
  MutexLock lock(&mu_);
  while (!is_broken_off_) {
    const absl::Duration left = end - clock_->SteadyNow();
    if (left <= absl::ZeroDuration()) return true;
    broken_off_.WaitWithTimeout(&mu_, left);
  }
  return false;
}

void WatchLoop::List(const ReflectorRequest& request) {
  const absl::StatusOr<ApiAnswer> answer = client_->List(ListPath(request));
  if (!answer.ok()) return Fail({.message = std::string(answer.status().message())});
  if (!answer->is_ok()) return Fail(answer->failure);
  const absl::StatusOr<PageFacts> page = watched_->ReadPage(answer->body);
  if (!page.ok()) return Fail({.message = std::string(page.status().message())});
  for (const absl::Status& error : page->object_errors) NoteObjectError(error);
  const bool is_same = page->continue_token == request.continue_token;
  if (!page->continue_token.empty() && (is_same || ++pages_ >= kListPagesMax)) {
    return Fail({.message = absl::StrCat("the list does not end after ", pages_, " pages")});
  }
  NoteProgress();
  // It collects nothing, so it cannot fail.
  Perform(state_.OnListPage(page->resource_version, page->continue_token)).IgnoreError();
}

void WatchLoop::Stream(const ReflectorRequest& request) {
  ApiFailure refusal;
  event_failure_.reset();
  state_.OnStreamBegin(clock_->SteadyNow());
  const absl::Status status = client_->Watch(
      WatchPath(request), [this](std::string_view line) { return OnLine(line); }, is_broken_off_,
      &refusal);
  if (is_broken_off_) return;
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
  return Perform(
      state_.OnEvent(event->type, event->resource_version, event->is_initial_events_end));
}

absl::Status WatchLoop::Perform(ReflectorAction action) {
  PMEM_RETURN_IF_ERROR(watched_->Perform(action));
  if (action != ReflectorAction::kPublish) return absl::OkStatus();
  {
    MutexLock lock(&mu_);
    ++health_.relists;
  }
  LogInfo(kComponent, "in step with the API server",
          {{"kind", options_.kind}, {"resource_version", state_.resource_version()}});
  if (options_.on_listed) options_.on_listed(round_);
  return absl::OkStatus();
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
  std::string path =
      absl::StrCat(ApiPath(options_.resource, options_.kube_namespace), "?limit=", kListPageSize);
  AppendSelectors(options_, &path);
  if (!request.continue_token.empty()) {
    absl::StrAppend(&path, "&continue=", PercentEncode(request.continue_token));
  }
  return path;
}

std::string WatchLoop::WatchPath(const ReflectorRequest& request) {
  const absl::Duration duration =
      kWatchDurationMin + (kWatchDurationMax - kWatchDurationMin) * Jitter();
  std::string path = absl::StrCat(
      ApiPath(options_.resource, options_.kube_namespace),
      "?watch=true&allowWatchBookmarks=true&timeoutSeconds=", absl::ToInt64Seconds(duration));
  AppendSelectors(options_, &path);
  if (request.kind == ReflectorRequest::Kind::kWatchList) {
    absl::StrAppend(&path, "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
  } else {
    absl::StrAppend(&path, "&resourceVersion=", PercentEncode(request.resource_version));
  }
  return path;
}

double WatchLoop::Jitter() { return std::uniform_real_distribution<double>(0, 1)(random_); }

}  // namespace pmem::extender
