// How many tokens an answer cost that was cut off before its provider said so: counted from the bytes seen, with the
// bytes per token, and the share of the prompt read from the provider's cache, that its model had in answers whose
// usage was told. Such a usage is marked `estimated`.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "chat/conversation.h"

namespace understudy {

// What was seen of one answer, in bytes of text.
struct SeenBytes {
  int64_t request = 0;  // the request's body
  int64_t output = 0;   // text, tool calls' arguments
  int64_t reasoning = 0;
};

class UsageEstimator {  // thread-safe
 public:
  // A usage that the provider told.
  void learn(const std::string& provider, const std::string& model, const SeenBytes& seen, const Usage& usage)
      EXCLUDES(mutex_);
  Usage estimate(const std::string& provider, const std::string& model, const SeenBytes& seen) const EXCLUDES(mutex_);

 private:
  // Bytes per token and the prompt's cached share, as moving averages. The first guesses are those of English prose in
  // JSON under today's vocabularies (about four bytes a token).
  struct Ratios {
    double request = 4;
    double output = 4;
    double cached = 0;
    bool knows_request = false;
    bool knows_output = false;
    bool knows_cached = false;
  };
  mutable Mutex mutex_;
  std::map<std::pair<std::string, std::string>, Ratios> ratios_ GUARDED_BY(mutex_);
};

}  // namespace understudy
