// SPDX-License-Identifier: Apache-2.0
// The five watches of the extender: Nodes, Pods without a node, PersistentVolumeClaims,
// PersistentVolumes and StorageClasses; each a WatchLoop of its own that emits core events.
// Thread-safe after Start.
#pragma once

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

  // Every kind was published at least once.
  bool IsSynced() const;
  std::vector<WatchHealth> Health() const;

 private:
  template <class T>
  void Add(WatchLoop::Options options, KubeClient* client, EventSink* events, const Clock* clock);

  std::vector<std::shared_ptr<void>> sinks_;
  std::vector<std::unique_ptr<WatchLoop>> loops_;
};

}  // namespace pmem::extender
