#include "base/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <unordered_map>
#include <utility>

#include "base/mutex.h"

namespace understudy {

namespace {

// One series for each list of labels' values. prometheus-cpp would make the series anew each time, and its labels, only
// to find that they are there.
template <class Series>
class SeriesOf {
 public:
  explicit SeriesOf(prometheus::Family<Series>& family) : family_(family) {}

  // `made_of`: what a series is made of beside its labels.
  template <class... Made>
  Series& with(const MetricLabels& labels, const Made&... made_of) {
    std::string values;  // each with its length: no two lists look alike
    for (const auto& [name, value] : labels) {
      values += std::to_string(value.size());
      values += ':';
      values += value;
    }
    const MutexLock lock(mutex_);
    Series*& series = series_[std::move(values)];
    if (series == nullptr) series = &family_.Add({labels.begin(), labels.end()}, made_of...);
    return *series;
  }

 private:
  prometheus::Family<Series>& family_;
  Mutex mutex_;
  std::unordered_map<std::string, Series*> series_ GUARDED_BY(mutex_);  // owned by the family, as long as it lives
};

class PrometheusCounter : public CounterMetric {
 public:
  explicit PrometheusCounter(prometheus::Family<prometheus::Counter>& family) : series_(family) {}
  void add(double amount, const MetricLabels& labels) override { series_.with(labels).Increment(amount); }

 private:
  SeriesOf<prometheus::Counter> series_;
};

class PrometheusGauge : public GaugeMetric {
 public:
  explicit PrometheusGauge(prometheus::Family<prometheus::Gauge>& family) : series_(family) {}
  void set(double value, const MetricLabels& labels) override { series_.with(labels).Set(value); }

 private:
  SeriesOf<prometheus::Gauge> series_;
};

class PrometheusHistogram : public HistogramMetric {
 public:
  PrometheusHistogram(prometheus::Family<prometheus::Histogram>& family, std::vector<double> buckets)
      : series_(family), buckets_(std::move(buckets)) {}
  void observe(double value, const MetricLabels& labels) override { series_.with(labels, buckets_).Observe(value); }

 private:
  SeriesOf<prometheus::Histogram> series_;
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
