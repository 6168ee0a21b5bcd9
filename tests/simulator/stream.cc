// SPDX-License-Identifier: Apache-2.0
#include "tests/simulator/stream.h"

#include <algorithm>
#include <utility>

namespace pmem::extender::simulator {
namespace {

constexpr absl::Duration kVolumeGapMax = absl::Seconds(10);

}  // namespace

Stream::Stream(Stage& stage, Kind kind, uint64_t salt, Deliver deliver)
    : stage_(stage),
      kind_(kind),
      random_(stage.plan.seed, salt * kKinds + static_cast<uint64_t>(kind)),
      deliver_(std::move(deliver)),
      epoch_(std::make_shared<int>(0)) {
  handle_ = stage_.kube.Listen(kind, [this](const Event& event) { Push(event); });
  List();
}

Stream::~Stream() {
  ++*epoch_;
  stage_.kube.StopListening(kind_, handle_);
}

absl::Duration Stream::Delay() {
  if (stage_.Has("late_watches") && random_.Chance(10)) {
    return random_.Between(absl::ZeroDuration(), kWatchDelayMax);
  }
  return random_.Between(absl::Milliseconds(1), absl::Milliseconds(stage_.is_calm ? 5 : 30));
}

void Stream::Push(const Event& event) {
  if (is_broken_) return;
  if (stage_.Has("watch_gaps") && random_.Below(200) == 0) return Break();
  if (kind_ == Kind::kVolumes && stage_.Has("volume_gaps") && random_.Chance(10)) {
    return BreakFor(absl::Milliseconds(10), kVolumeGapMax);
  }
  const absl::Time now = stage_.agenda.now();
  last_ = std::max(last_, now + Delay());
  const int times = stage_.Has("duplicates") && random_.Chance(10) ? 2 : 1;
  for (int i = 0; i < times; ++i) {
    stage_.agenda.After(last_ - now, [this, epoch = epoch_, value = *epoch_, event] {
      if (*epoch == value) deliver_(event);
    });
  }
}

void Stream::Stall(absl::Duration lasts) { last_ = std::max(last_, stage_.agenda.now() + lasts); }

void Stream::Break() { BreakFor(absl::Milliseconds(10), absl::Milliseconds(1500)); }

void Stream::BreakFor(absl::Duration least, absl::Duration most) {
  ++*epoch_;
  is_broken_ = true;
  const absl::Duration pause = random_.Between(least, most);
  stage_.agenda.After(pause, [this, epoch = epoch_, value = *epoch_] {
    if (*epoch == value) List();
  });
}

void Stream::Relist(int64_t round) {
  round_ = round;
  BreakFor(absl::Milliseconds(5), absl::Milliseconds(200));
}

void Stream::List() {
  is_broken_ = false;
  last_ = stage_.agenda.now();
  Push(stage_.kube.List(kind_));
  if (kind_ == Kind::kClaims) Push(Listed{ObjectKind::kClaims, round_});
  if (kind_ == Kind::kPods) Push(Listed{ObjectKind::kPods, round_});
}

}  // namespace pmem::extender::simulator
