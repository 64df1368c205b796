// Any bytes as a model's answer: read, recovered, paired with a right answer, grounded, turned into a report and its
// page.
#include <cstddef>
#include <cstdint>
#include <string>

#include "evaluation/measure.h"
#include "evaluation/report_html.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace understudy;
  Example example;
  example.id = "a";
  example.line = 1;
  example.input = "ACME LTD 25/12/2018 tea 1.50 cake 2.00 TOTAL RM 3.50";
  example.output = R"({"shop": "Acme Ltd", "date": "25/12/2018", "items": [{"n": "tea", "p": 1.5}], "total": "3.50"})";
  evaluation::EvalConfig config;
  config.bootstrap.draws = 100;
  for (const auto& [path, kind] :
       {std::pair("date", evaluation::Kind::kDate), std::pair("total", evaluation::Kind::kAmount),
        std::pair("items[].p", evaluation::Kind::kNumber)}) {
    config.fields.push_back({path, kind, {}});
  }
  evaluation::GivenAnswer given;
  given.id = "a";
  given.text = std::string(reinterpret_cast<const char*>(data), size);
  const EvalReport report = evaluation::measure(config, {example}, {{"a", given}}, {});
  (void)evaluation::report_page(report);
  return 0;
}
