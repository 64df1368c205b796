// Invoices, delivery notes, letters and slips that are written from a table of layouts (invoice_layouts.cc): the table
// says what stands where, this file makes up the facts and fills them in. Pure functions of the random numbers given;
// thread-safe.
#pragma once

#include <span>
#include <string_view>

#include "generate/document.h"

namespace understudy::examples {

// A layout is lines of text with placeholders:
//   {date}    the value alone          {date:}  label, separator, value          {date=}  the label alone
//   {title} {items} {thanks} {rule} {dear}      parts without a value; {address} and {customer_address} alone on a line
//   are several
// A line that begins with ? is left out half the time; an empty line stands where the paper has gaps at all.
struct Layout {
  std::string_view id;
  std::string_view lines;
};

std::span<const Layout> pretraining_layouts();
std::span<const Layout> demo_layouts();

// What is hard to read and stands on few papers, and so is practised. A paper of the demo is written with none of it.
struct Practice {
  double early_days = 0;  // share of papers issued from the 1st to the 9th of a month that is spelt: "3 avril 2023"
  double large_sums = 0;  // share of papers with sums about 10,000, up to 100,000
};

Document write_paper(Random& random, const Layout& layout, const Practice& practice = {});

}  // namespace understudy::examples
