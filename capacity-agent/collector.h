// SPDX-License-Identifier: Apache-2.0
// The agent's loop: read all devices, build the report, publish it.
//
// A report is published after each source, so that a new namespace does not wait for LVM's
// commands, which take the longer part of a reading. It says it is as old as its oldest part; what
// belongs to one pool is of one reading.
//
// The first report is published when every source has been read once: until then the node's memory
// is not known, and half a report would say that the other half is empty. Later a source that
// cannot be read keeps its last good numbers, in state unknown, with the error beside them.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "capacity-agent/core/report_builder.h"
#include "capacity-agent/device/pool_reader.h"
#include "capacity-agent/report_store.h"
#include "common/io/clock.h"

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

// Tick on one thread; Changed from any.
class Collector {
 public:
  struct Options {
    BuilderOptions builder;
    absl::Duration resync = absl::Seconds(60);
    std::function<void(const ScanOutcome&)> observer;  // May be empty.
  };

  Collector(Options options, std::vector<std::unique_ptr<PoolReader>> readers, const Clock& clock,
            ReportStore* store);

  // Reads when something changed, when the re-read is due or when the last reading failed and
  // kRetryPeriod is over; else does nothing. To be called at least every tick_period().
  void Tick();
  absl::Duration tick_period() const;

  // The next Tick reads.
  void Changed() { has_changed_ = true; }

 private:
  struct Source {
    std::unique_ptr<PoolReader> reader;
    std::optional<DeviceState> last_good;
    absl::Time observed_at;  // Wall time before the last reading began.
    std::string last_error;
  };
  void ReadSource(Source* source);
  void ReadAll();
  bool IsDue(absl::Time now);
  void Publish();
  void PublishHealth(absl::Time tick_started);

  const Options options_;
  const Clock& clock_;
  ReportStore* const store_;
  std::vector<Source> sources_;
  std::atomic<bool> has_changed_ = true;
  absl::Time next_read_ = absl::InfinitePast();  // Steady time.
};

}  // namespace pmem::agent
