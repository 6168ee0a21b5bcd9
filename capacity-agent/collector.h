// SPDX-License-Identifier: Apache-2.0
// The agent's loop: read all devices, build the report, publish it.
//
// Every source is read on a thread of its own, and a report is published after each reading: what
// hangs keeps the others from nothing. A report says it is as old as its oldest part; what belongs
// to one pool is of one reading.
//
// The first report is published when every source has been read once: until then the node's memory
// is not known, and half a report would say that the other half is empty. Later a source that
// cannot be read keeps its last good numbers, in state unknown, with the error beside them.
//
// The store is told of each change that is noticed, and with each report which of them all sources
// have been read since: nobody is answered before. A source whose last reading failed is waited for
// by nobody: its pools are in state unknown.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "capacity-agent/core/hidden_groups.h"
#include "capacity-agent/core/report_builder.h"
#include "capacity-agent/device/pool_reader.h"
#include "capacity-agent/report_store.h"
#include "common/io/clock.h"
#include "common/io/mutex.h"

namespace pmem::agent {

// After a failed reading the next one comes this soon, if the re-read is not due earlier.
inline constexpr absl::Duration kRetryPeriod = absl::Seconds(5);

// One reading of one source, for metrics.
struct ScanOutcome {
  std::string_view source;
  bool is_ok = false;
  absl::Duration duration;
  absl::Time ended_at;  // Wall time.
};

// TickSource of one source on one thread at a time, of different sources at once; Changed from any.
class Collector {
 public:
  struct Options {
    BuilderOptions builder;
    absl::Duration resync = absl::Seconds(60);
    std::function<void(const ScanOutcome&)> observer;  // May be empty.
  };

  Collector(Options options, std::vector<std::unique_ptr<PoolReader>> readers, const Clock& clock,
            ReportStore* store);

  // Reads the source when something changed, when the re-read is due or when its last reading
  // failed and kRetryPeriod is over; else does nothing. To be called at least every tick_period().
  void TickSource(size_t index) ABSL_LOCKS_EXCLUDED(publishing_, parts_mu_);
  // One after the other.
  void Tick() ABSL_LOCKS_EXCLUDED(publishing_, parts_mu_);
  size_t sources() const { return sources_.size(); }
  absl::Duration tick_period() const;

  // The next tick of every source reads.
  void Changed();

 private:
  // What only the source's own thread uses, the flag aside.
  struct Source {
    std::unique_ptr<PoolReader> reader;
    std::atomic<bool> has_changed = true;
    absl::Time next_read = absl::InfinitePast();  // Steady time.
  };
  // What was read.
  struct Part {
    std::string source;
    std::optional<DeviceState> last_good;
    std::string last_error = "not read yet";
    absl::Time observed_at;    // Wall time before the reading of last_good began.
    absl::Time read_at;        // The same, steady.
    absl::Time tick_started;   // Steady time.
    int64_t changes_read = 0;  // So many of those noted in the store, by its last reading.
  };
  void ReadSource(size_t index) ABSL_LOCKS_EXCLUDED(publishing_, parts_mu_);
  static void Keep(absl::StatusOr<DeviceState> devices, absl::Time observed_at, absl::Time read_at,
                   Part* part);
  struct Gathered {
    Reading reading;
    absl::Time read_at = absl::InfiniteFuture();  // Steady time, of the oldest part.
    int64_t changes_read = 0;                     // By all parts, as ReportStore::Publish has it.
  };
  // What all sources hold now. Nothing before every source has been read once.
  std::optional<Gathered> GatherLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(parts_mu_);
  void Publish(Gathered gathered) ABSL_EXCLUSIVE_LOCKS_REQUIRED(publishing_)
      ABSL_LOCKS_EXCLUDED(parts_mu_);
  void PublishHealthLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(parts_mu_);

  const Options options_;
  const Clock& clock_;
  ReportStore* const store_;
  std::vector<Source> sources_;
  // From the look at the parts until the report is published, so that none overtakes another. Who
  // publishes wakes long-polls and logs: ticks of other sources wait for parts_mu_ alone.
  Mutex publishing_;
  KnownGroups known_groups_ ABSL_GUARDED_BY(publishing_);
  Mutex parts_mu_ ABSL_ACQUIRED_AFTER(publishing_);
  std::vector<Part> parts_ ABSL_GUARDED_BY(parts_mu_);  // As sources_.
};

}  // namespace pmem::agent
