#include "evaluation/junit.h"

#include <fmt/format.h>

#include <algorithm>

#include "display/html.h"

namespace understudy::evaluation {

std::string junit_xml(const EvalReport& report) {
  const auto failures = std::count_if(report.verdicts.begin(), report.verdicts.end(),
                                      [](const Verdict& verdict) { return !verdict.holds; });
  const std::string task = html_escape(report.task);  // escapes what XML needs too
  std::string xml = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
      "<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"0\">\n",
      task, report.verdicts.size(), failures);
  for (const Verdict& verdict : report.verdicts) {
    const std::string reason = html_escape(verdict.reason);
    xml += fmt::format("<testcase classname=\"{}.gate\" name=\"{}\">", task, html_escape(verdict.gate.metric));
    xml += verdict.holds ? fmt::format("<system-out>{}</system-out>", reason)
                         : fmt::format("<failure message=\"{}\">{}</failure>", reason, reason);
    xml += "</testcase>\n";
  }
  return xml + "</testsuite>\n</testsuites>\n";
}

}  // namespace understudy::evaluation
