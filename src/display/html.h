// HTML that stands alone: one file, no address in it, light and dark. Only the frame; what stands in it is the
// caller's. Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace understudy {

// Text for an element or a quoted attribute of HTML or SVG: & < > " ' escaped, invalid UTF-8 and control characters
// that XML 1.0 forbids replaced by U+FFFD. Tab, newline and carriage return stay.
std::string html_escape(std::string_view text);

// A whole page. `title` is text and is escaped; body, extra_css and extra_js are taken as they are, so whatever comes
// from data has to have gone through html_escape() before. The frame's CSS gives colours as variables (--ink, --paper,
// --faint,
// --line, --good, --bad, --warn, --mark), tables, code, .card, .figure (text-align right) and details.
std::string html_page(std::string_view title, std::string_view body, std::string_view extra_css = {},
                      std::string_view extra_js = {});

}  // namespace understudy
