#include "net/otlp_exporter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

#include "base/json.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;

Span span_named(const std::string& name) {
  Span span;
  span.trace = {0x4b, 0xf9};
  span.id = {0, 0xf0};
  span.name = name;
  span.start_ns = 1'700'000'000'000'000'001;
  span.end_ns = 1'700'000'000'000'000'002;
  return span;
}

// Takes or refuses what it is sent, and keeps it.
class Collector : public HttpClient {
 public:
  explicit Collector(int status) : status_(status) {}
  Awaitable<HttpOutcome> send(OutboundRequest request, const Call&) override {
    const std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
    if (status_ == 0) co_return HttpOutcome(HttpFailure{HttpFailure::Kind::kConnect, "refused", false});
    co_return HttpOutcome(std::make_unique<Reply>(status_));
  }
  std::vector<OutboundRequest> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  struct Reply : HttpReply {
    explicit Reply(int code) : code_(code) {}
    int status() const override { return code_; }
    const HttpHeaders& headers() const override { return headers_; }
    std::string_view header(std::string_view) const override { return ""; }
    Awaitable<std::variant<std::optional<std::string>, HttpFailure>> next() override { co_return std::nullopt; }
    int code_;
    HttpHeaders headers_;
  };
  std::mutex mutex_;
  int status_;
  std::vector<OutboundRequest> requests_;
};

TEST(OtlpJsonTest, WritesIdsInHexAndLongNumbersAsText) {
  Span span = span_named("chat invoices");
  span.parent = SpanId{1, 2, 3, 4, 5, 6, 7, 8};
  span.attributes = {{"gen_ai.request.model", std::string("gpt-5")}, {"gen_ai.usage.input_tokens", int64_t{12}}};
  span.error = "timed_out";
  const Json body = parse_json(otlp_json({span}, "understudy"), "body");
  const Json& written = body["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
  EXPECT_EQ(written["traceId"], "4bf90000000000000000000000000000");
  EXPECT_EQ(written["spanId"], "00f0000000000000");
  EXPECT_EQ(written["parentSpanId"], "0102030405060708");
  EXPECT_EQ(written["startTimeUnixNano"], "1700000000000000001");
  EXPECT_EQ(written["attributes"][0]["value"]["stringValue"], "gpt-5");
  EXPECT_EQ(written["attributes"][1]["value"]["intValue"], "12");
  EXPECT_EQ(written["status"]["code"], 2);
  EXPECT_EQ(body["resourceSpans"][0]["resource"]["attributes"][0]["key"], "service.name");
}

TEST(OtlpExporterTest, SendsWhatWaitsBeforeItEnds) {
  Collector collector(200);
  Metrics metrics;
  {
    OtlpExporter exporter({.endpoint = "http://127.0.0.1:4318"}, collector, metrics);
    exporter.add({span_named("one")});
    exporter.add({span_named("two")});
  }
  const auto requests = collector.requests();
  ASSERT_FALSE(requests.empty());
  EXPECT_EQ(requests[0].url, "http://127.0.0.1:4318/v1/traces");
  std::string all;
  for (const OutboundRequest& request : requests) all += request.body;
  EXPECT_THAT(all, HasSubstr("\"one\""));
  EXPECT_THAT(all, HasSubstr("\"two\""));
  EXPECT_THAT(metrics.text(), HasSubstr("understudy_spans_exported_total 2"));
}

TEST(OtlpExporterTest, CountsWhatNobodyTook) {
  Collector collector(0);
  Metrics metrics;
  {
    OtlpExporter exporter({.endpoint = "http://127.0.0.1:4318", .most_waiting = 2}, collector, metrics);
    exporter.add({span_named("one"), span_named("two"), span_named("three")});
  }
  EXPECT_THAT(metrics.text(), HasSubstr("understudy_spans_dropped_total 3"));
  EXPECT_THAT(metrics.text(), HasSubstr("understudy_spans_exported_total 0"));
}

}  // namespace
}  // namespace understudy
