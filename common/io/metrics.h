// SPDX-License-Identifier: Apache-2.0
// The program's Prometheus metrics, served on our own listener. metrics.cc is the only file that
// includes prometheus-cpp.
//
// Counter, Gauge and Histogram are handles: made once (at start, or once per label value), kept,
// and then an increment is one atomic operation without a look-up. They are valid as long as the
// registry. A set of series that comes and goes with the cluster (one per node) is not kept in
// handles: it is computed at each scrape by AddCollector.
//
// Names: "<prefix>_<what>_<unit>[_total]", [a-z0-9_], base units; counters end in _total, nothing
// else does. Label names: [a-z_]; "namespace" alone is not one. A wrong name is a broken guarantee
// (it aborts at start), not an error. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace pmem {

using MetricLabels = std::map<std::string, std::string>;

class Counter {
 public:
  void Increment(double by = 1) const;  // by >= 0.
  double Value() const;                 // For tests.

 private:
  friend class Metrics;
  explicit Counter(prometheus::Counter* impl) : impl_(impl) {}
  prometheus::Counter* impl_;
};

class Gauge {
 public:
  void Set(double value) const;

 private:
  friend class Metrics;
  explicit Gauge(prometheus::Gauge* impl) : impl_(impl) {}
  prometheus::Gauge* impl_;
};

class Histogram {
 public:
  void Observe(double value) const;

 private:
  friend class Metrics;
  explicit Histogram(prometheus::Histogram* impl) : impl_(impl) {}
  prometheus::Histogram* impl_;
};

// Upper bounds in seconds: of an answer's duration (0.5 ms to 10 s).
std::vector<double> DurationBuckets();

struct MetricSample {
  MetricLabels labels;
  double value = 0;
};

// What a name, help and kind is, for the generated docs/metrics.md.
struct MetricDescription {
  std::string name;
  std::string type;  // counter, gauge, histogram
  std::string help;
  std::vector<std::string> labels;
  bool operator==(const MetricDescription&) const = default;
};

class Metrics {
 public:
  // `prefix`: "pmem_agent", "pmem_extender". Also publishes <prefix>_build_info{version} and the
  // process_* metrics of this process.
  Metrics(std::string prefix, std::string_view version);
  ~Metrics();

  // `what` is the name without the prefix. The same name and labels give the same series. The label
  // names of one metric are always the same.
  Counter AddCounter(std::string_view what, std::string_view help, const MetricLabels& labels = {});
  Gauge AddGauge(std::string_view what, std::string_view help, const MetricLabels& labels = {});
  Histogram AddHistogram(std::string_view what, std::string_view help,
                         const std::vector<double>& buckets, const MetricLabels& labels = {});

  // Samples computed at each scrape, on the scraping thread: of a counter when `what` ends in
  // _total, else of a gauge. `collect` must be thread-safe and cheap.
  void AddCollector(std::string_view what, std::string_view help,
                    std::vector<std::string> label_names,
                    std::function<std::vector<MetricSample>()> collect);

  // The text exposition format, version 0.0.4.
  std::string Text() const;
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

  // Sorted by name.
  std::vector<MetricDescription> Describe() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pmem
