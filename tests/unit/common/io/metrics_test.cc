// SPDX-License-Identifier: Apache-2.0
#include "common/io/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pmem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Metrics, AreServedInTheTextFormat) {
  Metrics metrics("pmem_test", "1.2.3");
  metrics.AddCounter("requests_total", "Requests.", {{"verb", "filter"}}).Increment(2);
  metrics.AddGauge("nodes", "Nodes.").Set(3);
  metrics.AddHistogram("wait_seconds", "Waits.", {0.1, 1}).Observe(0.5);
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("# TYPE pmem_test_requests_total counter\n"
                              "pmem_test_requests_total{verb=\"filter\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("pmem_test_nodes 3\n"));
  EXPECT_THAT(text, HasSubstr("pmem_test_wait_seconds_bucket{le=\"1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("pmem_test_build_info{version=\"1.2.3\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE process_cpu_seconds_total counter\n"));
  EXPECT_THAT(text, Not(HasSubstr("process_resident_memory_bytes 0\n")));
}

TEST(Metrics, TheSameNameAndLabelsAreTheSameSeries) {
  Metrics metrics("pmem_test", "1");
  const Counter first = metrics.AddCounter("requests_total", "Requests.", {{"verb", "filter"}});
  const Counter second = metrics.AddCounter("requests_total", "Requests.", {{"verb", "filter"}});
  metrics.AddCounter("requests_total", "Requests.", {{"verb", "prioritize"}}).Increment(5);
  first.Increment();
  second.Increment();
  EXPECT_EQ(first.Value(), 2);
}

TEST(Metrics, ACollectorIsAskedAtEveryScrape) {
  Metrics metrics("pmem_test", "1");
  std::vector<MetricSample> samples = {{{{"node", "n1"}}, 1}};
  metrics.AddCollector("node_fresh", "Freshness.", {"node"}, [&samples] { return samples; });
  EXPECT_THAT(metrics.Text(), HasSubstr("pmem_test_node_fresh{node=\"n1\"} 1\n"));
  samples = {{{{"node", "n2"}}, 0}};
  EXPECT_THAT(metrics.Text(), HasSubstr("pmem_test_node_fresh{node=\"n2\"} 0\n"));
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("n1")));
}

TEST(Metrics, DescribeThemselves) {
  Metrics metrics("pmem_test", "1");
  metrics.AddCounter("requests_total", "Requests.", {{"verb", "filter"}});
  EXPECT_THAT(
      metrics.Describe(),
      ElementsAre(MetricDescription{"pmem_test_build_info",
                                    "gauge",
                                    "Always 1; the label says which build runs.",
                                    {"version"}},
                  MetricDescription{"pmem_test_requests_total", "counter", "Requests.", {"verb"}}));
}

TEST(MetricsDeathTest, AWrongNameIsABrokenGuarantee) {
  Metrics metrics("pmem_test", "1");
  EXPECT_DEATH(metrics.AddCounter("requests", "No _total."), "broken guarantee");
  EXPECT_DEATH(metrics.AddGauge("nodes_total", "A gauge with _total."), "broken guarantee");
  EXPECT_DEATH(metrics.AddGauge("Nodes", "Upper case."), "broken guarantee");
  EXPECT_DEATH(metrics.AddGauge("claims", "Banned word.", {{"namespace", "x"}}),
               "broken guarantee");
}

}  // namespace
}  // namespace pmem
