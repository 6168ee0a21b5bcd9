// SPDX-License-Identifier: Apache-2.0
#include "extender/core/reflector_state.h"

#include <algorithm>
#include <utility>

#include "extender/core/resource_version.h"

namespace pmem::extender {
namespace {

bool IsGone(const ApiFailure& failure) {
  return failure.code == 410 || failure.reason == "Expired" || failure.reason == "Gone";
}

// It says nothing about the watch itself.
bool IsPassing(int code) {
  return code == 0 || code == 401 || code == 403 || code == 429 || code == 503 || code == 504;
}

}  // namespace

ReflectorRequest ReflectorState::Next(double jitter) {
  ReflectorRequest request;
  switch (phase_) {
    case Phase::kListing:
      request.kind = ReflectorRequest::Kind::kList;
      request.continue_token = continue_token_;
      break;
    case Phase::kWatching:
      request.kind = ReflectorRequest::Kind::kWatch;
      request.resource_version = resource_version_;
      break;
  }
  request.begins_anew = std::exchange(begins_anew_, false);
  const absl::Duration backoff = std::exchange(delay_, absl::ZeroDuration());
  request.delay = std::max(backoff + backoff * jitter,
                           std::exchange(retry_after_, absl::ZeroDuration()) * (1 + jitter / 10));
  return request;
}

ReflectorAction ReflectorState::OnListEnd(std::string_view resource_version,
                                          std::string_view continue_token) {
  if (!continue_token.empty()) {
    continue_token_ = continue_token;
    return ReflectorAction::kNothing;
  }
  // The newest that there is cannot be older than what we were told, unless that is gone.
  const bool is_set_back = IsEarlier(resource_version, resource_version_);
  phase_ = Phase::kWatching;
  resource_version_ = resource_version;
  continue_token_.clear();
  is_synced_ = true;
  return is_set_back ? ReflectorAction::kPublishSetBack : ReflectorAction::kPublish;
}

void ReflectorState::OnStreamBegin(absl::Time now) {
  stream_began_ = now;
  saw_event_ = false;
}

ReflectorAction ReflectorState::OnEvent(WatchEventType type, std::string_view resource_version) {
  saw_event_ = true;
  if (!resource_version.empty()) resource_version_ = resource_version;
  return type == WatchEventType::kBookmark ? ReflectorAction::kNothing : ReflectorAction::kApply;
}

void ReflectorState::OnErrorEvent(const ApiFailure& failure, absl::Time now) {
  OnFailure(failure, now);
  // A watch that the server breaks off for a reason that we do not know is not to be trusted.
  if (!IsPassing(failure.code)) BeginAnew();
}

void ReflectorState::OnStreamEnd(absl::Time now) {
  const bool is_short = now - stream_began_ < kReflectorShortStream;
  const bool is_again = std::exchange(was_short_, is_short);
  if (is_short && !saw_event_) {
    BackOff({}, now);
  } else if (is_short && is_again) {
    spacing_ = std::clamp(spacing_ * 2, kReflectorSpacingMin, kReflectorSpacingMax);
    delay_ = spacing_;
  } else {
    spacing_ = absl::ZeroDuration();
  }
}

void ReflectorState::OnFailure(const ApiFailure& failure, absl::Time now) {
  if (failure.is_too_large_version) {
    BeginAnew();
    BackOff(failure, now);
    return;
  }
  if (IsGone(failure)) {
    // Nothing is wrong with the server, so the new set is asked for at once; but a server that says
    // so again and again is not asked without end.
    const bool is_first = phase_ == Phase::kWatching && now - gone_last_ >= kReflectorHealthyAfter;
    BeginAnew();
    gone_last_ = now;
    if (!is_first) BackOff(failure, now);
    return;
  }
  if (phase_ != Phase::kWatching || IsMute(now)) BeginAnew();
  BackOff(failure, now);
}

void ReflectorState::Relist() {
  BeginAnew();
  delay_ = retry_after_ = absl::ZeroDuration();
}

// Of the current stream, or the last one.
bool ReflectorState::IsMute(absl::Time now) const {
  return !saw_event_ && now - stream_began_ >= kReflectorHealthyAfter;
}

void ReflectorState::BeginAnew() {
  phase_ = Phase::kListing;
  continue_token_.clear();
  begins_anew_ = true;
}

void ReflectorState::BackOff(const ApiFailure& failure, absl::Time now) {
  if (now - failed_last_ >= kReflectorHealthyAfter) backoff_ = absl::ZeroDuration();
  const absl::Duration max =
      failure.code == 0 ? kReflectorBackoffUnansweredMax : kReflectorBackoffMax;
  backoff_ = backoff_ == absl::ZeroDuration() ? kReflectorBackoffMin : std::min(backoff_ * 2, max);
  delay_ = backoff_;
  retry_after_ = std::min(failure.retry_after, kReflectorRetryAfterMax);
  failed_last_ = now;
}

}  // namespace pmem::extender
