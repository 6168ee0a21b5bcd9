// SPDX-License-Identifier: Apache-2.0
#include "common/io/worker_pool.h"

#include <exception>
#include <utility>

#include "common/io/log.h"

namespace pmem {

WorkerPool::WorkerPool(const std::string& name, int threads, size_t queued_max)
    : queued_max_(queued_max) {
  for (int i = 0; i < threads; ++i) {
    threads_.push_back(std::make_unique<Thread>(name, [this] { Run(); }));
  }
}

WorkerPool::~WorkerPool() { Stop(); }

bool WorkerPool::Submit(std::function<void()> work) {
  MutexLock lock(&mu_);
  if (is_stopped_ || queue_.size() >= queued_max_) return false;
  queue_.push_back(std::move(work));
  changed_.Signal();
  return true;
}

void WorkerPool::Stop() {
  std::deque<std::function<void()>> dropped;
  {
    MutexLock lock(&mu_);
    is_stopped_ = true;
    dropped.swap(queue_);
    changed_.SignalAll();
  }
  threads_.clear();
}

std::function<void()> WorkerPool::Next() {
  MutexLock lock(&mu_);
  while (queue_.empty() && !is_stopped_) changed_.WaitWithTimeout(&mu_, absl::InfiniteDuration());
  if (queue_.empty()) return nullptr;
  std::function<void()> work = std::move(queue_.front());
  queue_.pop_front();
  return work;
}

void WorkerPool::Run() {
  while (const std::function<void()> work = Next()) {
    try {
      work();
    } catch (const std::exception& e) {
      LogError("worker_pool", "work failed", {{"error", e.what()}});
    }
  }
}

}  // namespace pmem
