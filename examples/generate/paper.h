// The sheet on which a generator writes one paper: keeps the choices that hold for a whole paper (tongue, letters, how
// labels are set off, scanner's faults) and records each value that is written. One thread; borrows the random numbers.
#pragma once

#include <string>
#include <vector>

#include "generate/amounts.h"
#include "generate/document.h"

namespace understudy::examples {

class Paper {
 public:
  Paper(Random& random, Tongue tongue, std::string layout);

  Random& random() { return random_; }
  Tongue tongue() const { return tongue_; }

  // The text as this paper has it: upper case where all of it is, spoilt where it is a bad scan.
  std::string printed(std::string text);
  // Upper case where the paper has that; never spoilt.
  std::string clean(const std::string& text) const { return all_upper_ ? upper(text) : text; }
  std::string label(Field field) { return printed(pick_part(random_, labels(field, tongue_))); }
  // "label: value", set off as everywhere on this paper. The value is recorded.
  std::string labelled(Field field, const Value& value);
  // Records that the value stands on the paper, returns it as written.
  std::string place(Field field, const Value& value);

  void line(std::string text);
  void gap();  // an empty line, where the paper has such
  // Lines of an address, recorded under the field.
  void lines(Field field, const std::vector<std::string>& texts);

  Document take() { return std::move(document_); }

 private:
  Random& random_;
  Tongue tongue_;
  bool all_upper_;
  bool gaps_;
  double noise_;
  std::string separator_;
  Document document_;
};

}  // namespace understudy::examples
