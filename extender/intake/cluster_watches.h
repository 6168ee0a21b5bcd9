// SPDX-License-Identifier: Apache-2.0
// The five watches of the extender: Nodes, Pods without a node, PersistentVolumeClaims,
// PersistentVolumes and StorageClasses; each a WatchLoop of its own that emits core events.
// Thread-safe after Start.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/io/clock.h"
#include "extender/core/event.h"
#include "extender/intake/kube_client.h"
#include "extender/intake/watch_loop.h"

namespace pmem::extender {

class ClusterWatches {
 public:
  ClusterWatches(KubeClient* client, EventSink* events, const Clock* clock);

  void Start();
  void Stop();  // Idempotent.

  // Lists claims and pods anew; a Listed event of `round` follows each. Does not block.
  void Relist(int64_t round);

  std::vector<WatchHealth> Health() const;

 private:
  template <class T>
  void Add(ObjectKind kind, WatchLoop::Options options, KubeClient* client, EventSink* events,
           const Clock* clock);

  template <class T>
  void AddDecidedFor(ObjectKind kind, WatchLoop::Options options, KubeClient* client,
                     EventSink* events, const Clock* clock);

  std::vector<std::shared_ptr<void>> sinks_;
  std::vector<std::unique_ptr<WatchLoop>> loops_;
  std::vector<WatchLoop*> decided_for_;  // Claims and pods.
};

}  // namespace pmem::extender
