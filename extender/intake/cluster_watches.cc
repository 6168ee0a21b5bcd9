// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/cluster_watches.h"

#include <utility>

namespace pmem::extender {
namespace {

// Pods that the scheduler may still have to place. One that is bound leaves the selection: DELETED.
constexpr const char* kUnboundPods = "spec.nodeName=,status.phase!=Succeeded,status.phase!=Failed";

}  // namespace

template <class T>
void ClusterWatches::Add(ObjectKind kind, WatchLoop::Options options, KubeClient* client,
                         EventSink* events, const Clock* clock) {
  options.kind = ObjectKindName(kind);
  auto sink = std::make_shared<EventObjectSink<T>>(events);
  loops_.push_back(std::make_unique<WatchLoop>(std::move(options), client,
                                               std::make_unique<TypedKind<T>>(sink.get()), clock));
  sinks_.push_back(std::move(sink));
}

ClusterWatches::ClusterWatches(KubeClient* client, EventSink* events, const Clock* clock) {
  Add<Node>(ObjectKind::kNodes, {.resource = kNodesResource}, client, events, clock);
  AddDecidedFor<Pod>(ObjectKind::kPods, {.resource = kPodsResource, .field_selector = kUnboundPods},
                     client, events, clock);
  AddDecidedFor<Claim>(ObjectKind::kClaims, {.resource = kClaimsResource}, client, events, clock);
  Add<PersistentVolume>(ObjectKind::kVolumes, {.resource = kPersistentVolumesResource}, client,
                        events, clock);
  Add<StorageClass>(ObjectKind::kStorageClasses, {.resource = kStorageClassesResource}, client,
                    events, clock);
}

template <class T>
void ClusterWatches::AddDecidedFor(ObjectKind kind, WatchLoop::Options options, KubeClient* client,
                                   EventSink* events, const Clock* clock) {
  options.on_listed = [events, kind](int64_t round) { events->Emit(Listed{kind, round}); };
  Add<T>(kind, std::move(options), client, events, clock);
  decided_for_.push_back(loops_.back().get());
}

void ClusterWatches::Relist(int64_t round) {
  for (WatchLoop* loop : decided_for_) loop->Relist(round);
}

void ClusterWatches::Start() {
  for (const auto& loop : loops_) loop->Start();
}

void ClusterWatches::Stop() {
  for (const auto& loop : loops_) loop->BeginStop();
  for (const auto& loop : loops_) loop->Stop();
}

std::vector<WatchHealth> ClusterWatches::Health() const {
  std::vector<WatchHealth> health;
  health.reserve(loops_.size());
  for (const auto& loop : loops_) health.push_back(loop->Health());
  return health;
}

}  // namespace pmem::extender
