#include "display/html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace understudy {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(HtmlEscape, EscapesWhatHasAMeaning) {
  EXPECT_EQ(html_escape("<a href=\"x\">'&'</a>"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
  EXPECT_EQ(html_escape("Müller\n\t"), "Müller\n\t");
}

TEST(HtmlEscape, ReplacesWhatXmlForbids) {
  EXPECT_EQ(html_escape("a\x01\x1B\xFF"
                        "b"),
            "a\uFFFD\uFFFD\uFFFDb");
}

TEST(HtmlPage, StandsAlone) {
  const std::string page = html_page("A < B", "<p>text</p>", ".x{}", "let y;");
  EXPECT_THAT(page, HasSubstr("<title>A &lt; B</title>"));
  EXPECT_THAT(page, HasSubstr("<p>text</p>"));
  EXPECT_THAT(page, HasSubstr("prefers-color-scheme: dark"));
  EXPECT_THAT(page, HasSubstr("let y;"));
  for (const char* address : {"http://", "https://", "src=", "@import"}) EXPECT_THAT(page, Not(HasSubstr(address)));
}

}  // namespace
}  // namespace understudy
