// Who can be asked for an answer: the one thing that evaluation needs of a model. workflow/ binds it to an engine or
// provider.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "chat/conversation.h"

namespace understudy::evaluation {

struct EvalRequest {
  std::vector<Message> messages;  // to be rendered with the model's own chat template, exactly as in training
  int64_t max_tokens = 256;
  double temperature = 0;
};

struct ModelAnswer {
  std::string text;
  std::string finish;  // "stop", "length"
  int64_t prompt_tokens = 0;
  int64_t answer_tokens = 0;
  double latency_ms = 0;
  std::optional<std::string>
      failure;  // why there is no answer to this request (a prompt that is too long); the run goes on
};

class Answerer {
 public:
  virtual ~Answerer() = default;
  // Called by one thread, one request after the other. Throws what ends the whole run (a broken model, memory);
  // kCancelled when stopped on the way.
  virtual ModelAnswer answer(const EvalRequest& request, std::stop_token stop) = 0;
};

}  // namespace understudy::evaluation
