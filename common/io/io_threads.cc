// SPDX-License-Identifier: Apache-2.0
#include "common/io/io_threads.h"

#include <pplx/threadpool.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>

#include "common/io/clock.h"
#include "common/io/http_server.h"
#include "common/io/log.h"
#include "common/io/mutex.h"

namespace pmem {
namespace {

// As many as cpprestsdk starts when nobody says how many.
std::atomic<int> io_threads = 40;

// Where the threads of the pool wait for each other.
class Meeting {
 public:
  explicit Meeting(int threads) : missing_(threads) {}

  // False: not all had come when it ended.
  bool Come(bool counts, absl::Time end) ABSL_LOCKS_EXCLUDED(mu_) {
    const RealClock clock;
    MutexLock lock(&mu_);
    // Too late is not among those that waited for each other.
    if (counts && clock.SteadyNow() < end) --missing_;
    if (missing_ == 0) changed_.SignalAll();
    for (absl::Time now = clock.SteadyNow(); missing_ > 0 && now < end; now = clock.SteadyNow()) {
      changed_.WaitWithTimeout(&mu_, end - now);
    }
    return missing_ == 0;
  }

 private:
  Mutex mu_;
  CondVar changed_;
  int missing_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

bool MeetIoThreads(absl::Duration patience) {
  const absl::Time end = RealClock().SteadyNow() + patience;
  const int threads = io_threads;
  const auto meeting = std::make_shared<Meeting>(threads);
  for (int i = 0; i < threads; ++i) {
    crossplat::threadpool::shared_instance().service().post(
        [meeting, end] { meeting->Come(/*counts=*/true, end); });
  }
  return meeting->Come(/*counts=*/false, end);
}

void StartIoThreads(int threads) {
  try {
    // Closing a listener blocks one thread of the pool until another one has closed its
    // connections.
    const int wanted = std::max(threads, 2);
    crossplat::threadpool::initialize_with_threads(static_cast<size_t>(wanted));
    io_threads = wanted;
  } catch (const std::exception& e) {
    LogWarning("http_server", "the pool keeps its size", {{"error", e.what()}});
  }
}

}  // namespace pmem
