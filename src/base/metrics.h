// Counters, gauges and histograms as Prometheus reads them: the only way in to prometheus-cpp for the other rooms.
// A metric is made once, at start, with a fixed list of label names; after that everything here is thread-safe. A
// series that has been counted before is found again; neither it nor its labels are made anew.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace understudy {

// Names, which are literals, and values; always in the same order for the same metric.
using MetricLabels = std::vector<std::pair<std::string_view, std::string>>;

class CounterMetric {  // only grows
 public:
  virtual ~CounterMetric() = default;
  virtual void add(double amount, const MetricLabels& labels = {}) = 0;
};
class GaugeMetric {
 public:
  virtual ~GaugeMetric() = default;
  virtual void set(double value, const MetricLabels& labels = {}) = 0;
};
class HistogramMetric {
 public:
  virtual ~HistogramMetric() = default;
  virtual void observe(double value, const MetricLabels& labels = {}) = 0;
};

class Metrics {  // thread-safe
 public:
  Metrics();
  ~Metrics();
  // Names as Prometheus wants them: understudy_requests_total, unit in the name. The references live as long as this
  // object.
  CounterMetric& counter(const std::string& name, const std::string& help);
  GaugeMetric& gauge(const std::string& name, const std::string& help);
  // buckets: upper bounds, ascending.
  HistogramMetric& histogram(const std::string& name, const std::string& help, std::vector<double> buckets);
  // Everything in Prometheus' text format 0.0.4.
  std::string text() const;

 private:
  struct Registry;
  std::unique_ptr<Registry> registry_;
};

}  // namespace understudy
