// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/event_writer.h"

#include "common/io/log.h"
#include "common/pure/json_writer.h"

namespace pmem::extender {
namespace {

constexpr std::string_view kComponent = "events";

SaidEvents::Said SaidOf(const ClaimEvent& event) { return {event.claim_uid, event.reason}; }

}  // namespace

std::string ClaimEventJson(const ClaimEvent& event, std::string_view component, absl::Time now) {
  const std::string time = absl::FormatTime("%Y-%m-%d%ET%H:%M:%SZ", now, absl::UTCTimeZone());
  JsonWriter json;
  json.BeginObject().String("apiVersion", "v1").String("kind", "Event");
  json.Key("metadata").BeginObject();
  json.String("generateName", event.claim.name + ".");
  json.String("namespace", event.claim.kube_namespace).EndObject();
  json.Key("involvedObject").BeginObject();
  json.String("apiVersion", "v1").String("kind", "PersistentVolumeClaim");
  json.String("namespace", event.claim.kube_namespace).String("name", event.claim.name);
  json.String("uid", event.claim_uid).EndObject();
  json.String("type", event.is_warning ? "Warning" : "Normal").String("reason", event.reason);
  json.String("message", std::string_view(event.message).substr(0, kClaimEventMessageMax));
  json.Key("source").BeginObject().String("component", component).EndObject();
  json.String("reportingComponent", component).String("reportingInstance", component);
  json.String("firstTimestamp", time).String("lastTimestamp", time).Int("count", 1).EndObject();
  return json.Take();
}

EventWriter::EventWriter(std::string component, KubeClient* client, const Clock* clock)
    : component_(std::move(component)), client_(client), clock_(clock) {}

EventWriter::~EventWriter() { Stop(); }

void EventWriter::Start() {
  thread_ = std::make_unique<Thread>("events", [this] { Run(); });
}

void EventWriter::Stop() {
  {
    MutexLock lock(&mu_);
    is_stopped_ = true;
    queue_.clear();
    changed_.SignalAll();
  }
  thread_.reset();
}

void EventWriter::Post(ClaimEvent event) {
  const absl::Time now = clock_->SteadyNow();
  MutexLock lock(&mu_);
  if (is_stopped_) return;
  const SaidEvents::Said said = SaidOf(event);
  if (!said_.MayBeSaid(said, now)) return;
  if (queue_.size() >= kClaimEventQueueMax || !said_.Note(said, now)) {
    ++counts_.dropped;
  } else {
    queue_.push_back(std::move(event));
    changed_.SignalAll();
  }
}

EventCounts EventWriter::counts() const {
  MutexLock lock(&mu_);
  return counts_;
}

void EventWriter::Run() {
  while (true) {
    ClaimEvent event;
    {
      MutexLock lock(&mu_);
      while (queue_.empty() && !is_stopped_) changed_.WaitWithTimeout(&mu_, absl::Minutes(1));
      if (is_stopped_) return;
      event = std::move(queue_.front());
      queue_.pop_front();
    }
    Write(event);
  }
}

void EventWriter::Write(const ClaimEvent& event) {
  const absl::StatusOr<ApiAnswer> answer =
      client_->Create(ApiPath(kEventsResource, event.claim.kube_namespace),
                      ClaimEventJson(event, component_, clock_->WallNow()));
  Note(event, answer);
  const absl::Status status = answer.ok() ? answer->ToStatus() : answer.status();
  if (status.ok()) return;
  LogWarning(kComponent, "an Event on a claim was not written",
             {{"kube_namespace", event.claim.kube_namespace},
              {"claim", event.claim.name},
              {"reason", event.reason},
              {"error", status}});
}

void EventWriter::Note(const ClaimEvent& event, const absl::StatusOr<ApiAnswer>& answer) {
  const absl::Time now = clock_->SteadyNow();
  const SaidEvents::Said said = SaidOf(event);
  MutexLock lock(&mu_);
  if (answer.ok() && answer->is_ok()) {
    ++counts_.written;
    return said_.NoteWritten(said);
  }
  ++counts_.refused;
  said_.NoteRefused(said, now, answer.ok() ? answer->failure.retry_after : absl::ZeroDuration());
}

}  // namespace pmem::extender
