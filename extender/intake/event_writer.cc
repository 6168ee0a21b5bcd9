// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/event_writer.h"

#include "common/io/log.h"
#include "common/pure/json_writer.h"

namespace pmem::extender {
namespace {

constexpr std::string_view kComponent = "events";

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
  if (IsRepeatedLocked({event.claim_uid, event.reason}, now)) {
    ++health_.repeated;
  } else if (queue_.size() >= kClaimEventQueueMax) {
    ++health_.dropped;
    said_.erase({event.claim_uid, event.reason});
  } else {
    queue_.push_back(std::move(event));
    changed_.SignalAll();
  }
}

bool EventWriter::IsRepeatedLocked(const Said& said, absl::Time now) {
  const auto [entry, is_new] = said_.emplace(said, now);
  if (!is_new) {
    if (now - entry->second < kClaimEventRepeat) return true;
    entry->second = now;
    return false;
  }
  said_in_order_.push_back(said);
  if (said_in_order_.size() > kClaimEventMemoryMax) {
    said_.erase(said_in_order_.front());
    said_in_order_.pop_front();
  }
  return false;
}

EventWriterHealth EventWriter::Health() const {
  MutexLock lock(&mu_);
  return health_;
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
  const absl::Status status = answer.ok() ? answer->ToStatus() : answer.status();
  {
    MutexLock lock(&mu_);
    ++(status.ok() ? health_.written : health_.failed);
    // It may be said again as soon as there is reason to.
    if (!status.ok()) said_.erase({event.claim_uid, event.reason});
  }
  if (status.ok()) return;
  LogWarning(kComponent, "an Event on a claim was not written",
             {{"kube_namespace", event.claim.kube_namespace},
              {"claim", event.claim.name},
              {"reason", event.reason},
              {"error", status}});
}

}  // namespace pmem::extender
