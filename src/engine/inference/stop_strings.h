// Finds stop strings in a text that arrives in pieces. What may still become a stop string is held back; what stands
// before one is handed out, the stop string itself and what follows never. One per stream, used by one thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace understudy {

class StopStrings {
 public:
  explicit StopStrings(std::vector<std::string> stops);  // none of them empty

  // The text that is certain after this piece. After a stop string was found: what stood before it, then always "".
  std::string push(std::string_view piece);
  // What was held back, when the stream ends without a stop string.
  std::string finish();
  bool found() const { return found_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;  // shorter than the longest stop string
  bool found_ = false;
};

}  // namespace understudy
