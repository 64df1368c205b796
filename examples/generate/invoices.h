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

Document write_paper(Random& random, const Layout& layout);

}  // namespace understudy::examples
