// SPDX-License-Identifier: Apache-2.0
#include "common/io/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/io/mutex.h"
#include "common/io/process_stats.h"
#include "common/pure/check.h"

namespace pmem {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

bool IsName(std::string_view text) {
  return !text.empty() && absl::ascii_islower(text[0]) != 0 &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return absl::ascii_islower(c) != 0 || absl::ascii_isdigit(c) != 0 || c == '_';
         });
}

bool IsLabelName(const std::string& name) { return IsName(name) && name != "namespace"; }

std::string_view TypeName(MetricType type) {
  switch (type) {
    case MetricType::Counter:
      return "counter";
    case MetricType::Histogram:
      return "histogram";
    default:
      return "gauge";
  }
}

std::vector<std::string> LabelNames(const MetricLabels& labels) {
  std::vector<std::string> names;
  for (const auto& [name, value] : labels) names.push_back(name);
  return names;
}

prometheus::ClientMetric ToClientMetric(const MetricSample& sample, MetricType type) {
  prometheus::ClientMetric metric;
  for (const auto& [name, value] : sample.labels) metric.label.push_back({name, value});
  if (type == MetricType::Counter) {
    metric.counter.value = sample.value;
  } else {
    metric.gauge.value = sample.value;
  }
  return metric;
}

MetricFamily ToFamily(std::string name, std::string help, MetricType type,
                      const std::vector<MetricSample>& samples) {
  MetricFamily family;
  family.name = std::move(name);
  family.help = std::move(help);
  family.type = type;
  for (const MetricSample& sample : samples) family.metric.push_back(ToClientMetric(sample, type));
  return family;
}

// Named as every Prometheus client library names them.
void AppendProcessFamilies(std::vector<MetricFamily>* out) {
  const ProcessStats stats = ReadProcessStats();
  const auto add = [out](const char* name, const char* help, MetricType type, double value) {
    out->push_back(ToFamily(name, help, type, {{.labels = {}, .value = value}}));
  };
  add("process_cpu_seconds_total", "User and system CPU time.", MetricType::Counter,
      stats.cpu_seconds);
  add("process_resident_memory_bytes", "Resident memory.", MetricType::Gauge,
      static_cast<double>(stats.resident_bytes));
  add("process_open_fds", "Open file descriptors.", MetricType::Gauge,
      static_cast<double>(stats.open_fds));
  add("process_threads", "Threads.", MetricType::Gauge, static_cast<double>(stats.threads));
  add("process_start_time_seconds", "Start time since the epoch.", MetricType::Gauge,
      stats.start_time_seconds);
}

}  // namespace

class Metrics::Impl {
 public:
  explicit Impl(std::string prefix) : prefix_(std::move(prefix)) { PMEM_CHECK(IsName(prefix_)); }

  // Checks a name and its labels against what is known of it.
  std::string Claim(std::string_view what, std::string_view help, MetricType type,
                    std::vector<std::string> labels) ABSL_LOCKS_EXCLUDED(mu_) {
    PMEM_CHECK(IsName(what));
    PMEM_CHECK(std::all_of(labels.begin(), labels.end(), IsLabelName));
    std::string name = absl::StrCat(prefix_, "_", absl::string_view(what.data(), what.size()));
    PMEM_CHECK(absl::EndsWith(name, "_total") == (type == MetricType::Counter));
    MetricDescription description{.name = name,
                                  .type = std::string(TypeName(type)),
                                  .help = std::string(help),
                                  .labels = std::move(labels)};
    MutexLock lock(&mu_);
    const auto [it, is_new] = known_.try_emplace(name, description);
    PMEM_CHECK(is_new || it->second == description);
    return name;
  }

  void AddCollector(std::string name, std::string_view help, MetricType type,
                    std::function<std::vector<MetricSample>()> collect) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    collectors_.push_back({std::move(name), std::string(help), type, std::move(collect)});
  }

  std::vector<MetricFamily> Collect() const ABSL_LOCKS_EXCLUDED(mu_) {
    std::vector<MetricFamily> families = registry_.Collect();
    for (const Collector& collector : Collectors()) {
      families.push_back(
          ToFamily(collector.name, collector.help, collector.type, collector.collect()));
    }
    AppendProcessFamilies(&families);
    std::sort(families.begin(), families.end(),
              [](const MetricFamily& a, const MetricFamily& b) { return a.name < b.name; });
    return families;
  }

  std::vector<MetricDescription> Describe() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    std::vector<MetricDescription> result;
    result.reserve(known_.size());
    for (const auto& [name, description] : known_) result.push_back(description);
    return result;
  }

  prometheus::Registry& registry() { return registry_; }

 private:
  struct Collector {
    std::string name;
    std::string help;
    MetricType type;
    std::function<std::vector<MetricSample>()> collect;
  };

  std::vector<Collector> Collectors() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return collectors_;
  }

  mutable Mutex mu_;
  std::map<std::string, MetricDescription> known_ ABSL_GUARDED_BY(mu_);
  std::vector<Collector> collectors_ ABSL_GUARDED_BY(mu_);
  const std::string prefix_;
  prometheus::Registry registry_;
};

void Counter::Increment(double by) const { impl_->Increment(by); }
double Counter::Value() const { return impl_->Value(); }
void Gauge::Set(double value) const { impl_->Set(value); }
void Histogram::Observe(double value) const { impl_->Observe(value); }

std::vector<double> DurationBuckets() {
  return {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
}

Metrics::Metrics(std::string prefix, std::string_view version)
    : impl_(std::make_unique<Impl>(std::move(prefix))) {
  AddGauge("build_info", "Always 1; the label says which build runs.",
           {{"version", std::string(version)}})
      .Set(1);
}

Metrics::~Metrics() = default;

Counter Metrics::AddCounter(std::string_view what, std::string_view help,
                            const MetricLabels& labels) {
  const std::string name = impl_->Claim(what, help, MetricType::Counter, LabelNames(labels));
  return Counter(&prometheus::BuildCounter()
                      .Name(name)
                      .Help(std::string(help))
                      .Register(impl_->registry())
                      .Add(labels));
}

Gauge Metrics::AddGauge(std::string_view what, std::string_view help, const MetricLabels& labels) {
  const std::string name = impl_->Claim(what, help, MetricType::Gauge, LabelNames(labels));
  return Gauge(&prometheus::BuildGauge()
                    .Name(name)
                    .Help(std::string(help))
                    .Register(impl_->registry())
                    .Add(labels));
}

Histogram Metrics::AddHistogram(std::string_view what, std::string_view help,
                                const std::vector<double>& buckets, const MetricLabels& labels) {
  const std::string name = impl_->Claim(what, help, MetricType::Histogram, LabelNames(labels));
  return Histogram(&prometheus::BuildHistogram()
                        .Name(name)
                        .Help(std::string(help))
                        .Register(impl_->registry())
                        .Add(labels, buckets));
}

void Metrics::AddCollector(std::string_view what, std::string_view help,
                           std::vector<std::string> label_names,
                           std::function<std::vector<MetricSample>()> collect) {
  std::sort(label_names.begin(), label_names.end());
  const bool is_counter = what.ends_with("_total");
  const MetricType type = is_counter ? MetricType::Counter : MetricType::Gauge;
  std::string name = impl_->Claim(what, help, type, std::move(label_names));
  impl_->AddCollector(std::move(name), help, type, std::move(collect));
}

std::string Metrics::Text() const {
  return prometheus::TextSerializer().Serialize(impl_->Collect());
}

std::vector<MetricDescription> Metrics::Describe() const { return impl_->Describe(); }

}  // namespace pmem
