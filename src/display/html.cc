#include "display/html.h"

#include "base/utf8.h"

namespace understudy {

namespace {

constexpr std::string_view kFrameCss = R"(
:root { color-scheme: light dark; --ink: #1c2330; --paper: #ffffff; --faint: #5d6878; --line: #d9dee6; --panel: #f5f7fa;
  --good: #17743b; --bad: #b3261e; --warn: #8a5a00; --mark: #fff0b3; --link: #1f5fbf; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ee; --paper: #14181f; --faint: #9aa5b4; --line: #343c48;
  --panel: #1c222b; --good: #6fce8f; --bad: #ff8a80; --warn: #f0bd5e; --mark: #5a4a12; --link: #86b4ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 75rem; color: var(--ink); background: var(--paper);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; } h3 { font-size: 1rem; }
a { color: var(--link); }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid var(--line); }
th { color: var(--faint); font-weight: 600; }
td.figure, th.figure { text-align: right; font-variant-numeric: tabular-nums; }
code, pre { font-family: ui-monospace, monospace; font-size: .87em; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--panel); border: 1px solid var(--line);
  border-radius: 6px; padding: .6rem .8rem; margin: .4rem 0; }
mark { background: var(--mark); color: inherit; border-radius: 2px; }
.card { border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1rem; margin: .8rem 0; }
.faint { color: var(--faint); } .good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
details > summary { cursor: pointer; }
svg { max-width: 100%; height: auto; }
)";

bool is_forbidden(char32_t c) {
  return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F || c == 0xFFFE || c == 0xFFFF;
}

}  // namespace

std::string html_escape(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (size_t position = 0; position < text.size();) {
    const char32_t c = next_code_point(text, position);
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        append_utf8(escaped, is_forbidden(c) ? U'\uFFFD' : c);
    }
  }
  return escaped;
}

std::string html_page(std::string_view title, std::string_view body, std::string_view extra_css,
                      std::string_view extra_js) {
  std::string page = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  page += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>";
  page += html_escape(title);
  page += "</title>\n<style>";
  page += kFrameCss;
  page += extra_css;
  page += "</style>\n</head>\n<body>\n";
  page += body;
  if (!extra_js.empty()) {
    page += "\n<script>\n";
    page += extra_js;
    page += "\n</script>";
  }
  page += "\n</body>\n</html>\n";
  return page;
}

}  // namespace understudy
