// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/leader_elector.h"

#include <algorithm>
#include <utility>

#include "common/io/log.h"
#include "common/pure/status_macros.h"

namespace pmem::extender {
namespace {

constexpr std::string_view kComponent = "leader";

absl::StatusOr<LeaseRecord> LeaseOf(const absl::StatusOr<ApiAnswer>& answer) {
  PMEM_RETURN_IF_ERROR(answer.status());
  PMEM_RETURN_IF_ERROR(answer->ToStatus());
  return ParseLease(answer->body);
}

}  // namespace

LeaderElector::LeaderElector(Options options, KubeClient* client, const Clock* clock,
                             OnChange on_change)
    : options_(std::move(options)),
      client_(client),
      clock_(clock),
      on_change_(std::move(on_change)),
      random_(std::random_device()()),
      state_(options_.timing) {}

LeaderElector::~LeaderElector() { Stop(); }

void LeaderElector::Start() {
  thread_ = std::make_unique<Thread>("leader", [this] { Run(); });
}

void LeaderElector::Stop() {
  {
    MutexLock lock(&mu_);
    is_stopped_ = true;
    stopped_.SignalAll();
  }
  thread_.reset();
}

bool LeaderElector::IsLeader() const {
  const absl::Time now = clock_->SteadyNow();
  MutexLock lock(&mu_);
  return !is_stopped_ && state_.IsLeader(now);
}

int64_t LeaderElector::failures() const {
  MutexLock lock(&mu_);
  return failures_;
}

void LeaderElector::Run() {
  while (true) {
    LeaderStep step;
    {
      MutexLock lock(&mu_);
      if (is_stopped_) break;
      step = state_.Next(clock_->SteadyNow(), clock_->WallNow(), Jitter());
    }
    step.action == LeaderStep::Action::kWait ? WaitFor(step.duration) : Perform(step);
    TellChange();
  }
  TellChange();
  Release();
}

void LeaderElector::Perform(const LeaderStep& step) {
  const std::string path =
      ApiPath(kLeasesResource, options_.kube_namespace,
              step.action == LeaderStep::Action::kCreate ? "" : options_.lease_name);
  const std::string body = LeaseJson(options_.kube_namespace, options_.lease_name, step.record);
  const absl::Time sent = clock_->SteadyNow();
  switch (step.action) {
    case LeaderStep::Action::kRead:
      return Settle(step, client_->Get(path, step.duration), sent);
    case LeaderStep::Action::kCreate:
      return Settle(step, client_->Create(path, body, step.duration), sent);
    case LeaderStep::Action::kWrite:
      return Settle(step, client_->Put(path, body, step.duration), sent);
    case LeaderStep::Action::kWait:
      return;
  }
}

void LeaderElector::Settle(const LeaderStep& step, const absl::StatusOr<ApiAnswer>& answer,
                           absl::Time sent) {
  const bool is_read = step.action == LeaderStep::Action::kRead;
  absl::StatusOr<LeaseRecord> record = LeaseOf(answer);
  std::string news;
  {
    MutexLock lock(&mu_);
    news = SettleLocked(is_read, sent, std::move(record));
  }
  if (news.empty()) return;
  LogWarning(kComponent, is_read ? "the lease cannot be read" : "the lease cannot be written",
             {{"identity", options_.timing.identity}, {"error", news}});
}

std::string LeaderElector::SettleLocked(bool is_read, absl::Time sent,
                                        absl::StatusOr<LeaseRecord> record) {
  if (record.ok()) {
    is_read ? state_.OnRead(*std::move(record), clock_->SteadyNow())
            : state_.OnWritten(*std::move(record), sent);
    last_error_.clear();
  } else if (is_read && absl::IsNotFound(record.status())) {
    state_.OnAbsent();
  } else {
    state_.OnFailure();
    ++failures_;
    std::string error(record.status().message());
    if (error == last_error_) return "";
    last_error_ = std::move(error);
    return last_error_;
  }
  return "";
}

void LeaderElector::TellChange() {
  const bool is_leader = IsLeader();
  if (is_leader == was_leader_) return;
  was_leader_ = is_leader;
  std::string holder;
  std::string error;
  {
    MutexLock lock(&mu_);
    holder = state_.holder();
    error = last_error_;
  }
  LogInfo(kComponent, is_leader ? "this replica leads" : "this replica leads no more",
          {{"identity", options_.timing.identity}, {"holder", holder}, {"error", error}});
  on_change_(is_leader);
}

void LeaderElector::WaitFor(absl::Duration duration) {
  const absl::Time end = clock_->SteadyNow() + duration;
  MutexLock lock(&mu_);
  while (!is_stopped_) {
    const absl::Duration left = end - clock_->SteadyNow();
    if (left <= absl::ZeroDuration()) return;
    stopped_.WaitWithTimeout(&mu_, left);
  }
}

void LeaderElector::Release() {
  std::optional<LeaseRecord> record;
  {
    MutexLock lock(&mu_);
    record = state_.Release(clock_->SteadyNow(), clock_->WallNow());
  }
  if (!record.has_value()) return;
  const absl::StatusOr<ApiAnswer> answer = client_->Put(
      ApiPath(kLeasesResource, options_.kube_namespace, options_.lease_name),
      LeaseJson(options_.kube_namespace, options_.lease_name, *record), kLeaseReleaseMax);
  const absl::Status status = answer.ok() ? answer->ToStatus() : answer.status();
  if (!status.ok()) {
    LogWarning(kComponent, "the lease was not given up; others wait until it expires",
               {{"error", status}});
  }
}

double LeaderElector::Jitter() { return std::uniform_real_distribution<double>(0, 1)(random_); }

}  // namespace pmem::extender
