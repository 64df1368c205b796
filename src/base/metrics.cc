#include "base/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <utility>

namespace understudy {

namespace {

class PrometheusCounter : public CounterMetric {
 public:
  explicit PrometheusCounter(prometheus::Family<prometheus::Counter>& family) : family_(family) {}
  void add(double amount, const MetricLabels& labels) override { family_.Add(labels).Increment(amount); }

 private:
  prometheus::Family<prometheus::Counter>& family_;
};

class PrometheusGauge : public GaugeMetric {
 public:
  explicit PrometheusGauge(prometheus::Family<prometheus::Gauge>& family) : family_(family) {}
  void set(double value, const MetricLabels& labels) override { family_.Add(labels).Set(value); }

 private:
  prometheus::Family<prometheus::Gauge>& family_;
};

class PrometheusHistogram : public HistogramMetric {
 public:
  PrometheusHistogram(prometheus::Family<prometheus::Histogram>& family, std::vector<double> buckets)
      : family_(family), buckets_(std::move(buckets)) {}
  void observe(double value, const MetricLabels& labels) override { family_.Add(labels, buckets_).Observe(value); }

 private:
  prometheus::Family<prometheus::Histogram>& family_;
  const std::vector<double> buckets_;
};

}  // namespace

struct Metrics::Registry {
  prometheus::Registry families;
  std::vector<std::unique_ptr<CounterMetric>> counters;
  std::vector<std::unique_ptr<GaugeMetric>> gauges;
  std::vector<std::unique_ptr<HistogramMetric>> histograms;
};

Metrics::Metrics() : registry_(std::make_unique<Registry>()) {}
Metrics::~Metrics() = default;

CounterMetric& Metrics::counter(const std::string& name, const std::string& help) {
  auto& family = prometheus::BuildCounter().Name(name).Help(help).Register(registry_->families);
  return *registry_->counters.emplace_back(std::make_unique<PrometheusCounter>(family));
}

GaugeMetric& Metrics::gauge(const std::string& name, const std::string& help) {
  auto& family = prometheus::BuildGauge().Name(name).Help(help).Register(registry_->families);
  return *registry_->gauges.emplace_back(std::make_unique<PrometheusGauge>(family));
}

HistogramMetric& Metrics::histogram(const std::string& name, const std::string& help, std::vector<double> buckets) {
  auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(registry_->families);
  return *registry_->histograms.emplace_back(std::make_unique<PrometheusHistogram>(family, std::move(buckets)));
}

std::string Metrics::text() const {
  return prometheus::TextSerializer().Serialize(registry_->families.Collect());
}

}  // namespace understudy
