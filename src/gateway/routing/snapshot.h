// Everything that the gateway's config says about routing, resolved: names have become chains, files have been read.
// Immutable and whole: a reload makes another one and swaps it in; a request keeps the one it began with.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "economics/price_book.h"
#include "gateway/routing/answer_gate.h"
#include "gateway/routing/chain.h"
#include "gateway/routing/decide.h"
#include "gateway/routing/task_recognition.h"

namespace understudy {

struct CaptureRule {
  double sample = 1;  // share of exchanges whose bodies are kept
  std::vector<std::string> redact;
};

struct RoutedTask {
  std::string name;
  std::shared_ptr<const Chain> teacher;
  std::shared_ptr<const Chain> specialist;  // or none
  bool images = false;                      // before.images
  std::string pruned_prompt;                // fingerprint of the static prompt that the specialist is not given
  SpecialistCard card;
  std::optional<AnswerGate> gate;  // nothing: the specialist's answer goes out as it comes (`answer: stream`)
  CaptureRule capture;
};

struct KeyScope {
  std::vector<std::string> models;  // that the key may use; empty: all
};

struct RoutingSnapshot {
  std::map<std::string, std::shared_ptr<const Chain>, std::less<>> models;  // by the name that applications ask for
  std::map<std::string, RoutedTask, std::less<>> tasks;
  std::vector<TaskMatch> matches;                     // of the tasks, in the config's order
  std::map<std::string, KeyScope, std::less<>> keys;  // by the key's name
  CaptureRule capture;                                // of what is no task of the config
  std::shared_ptr<const PriceBook> prices;
  int64_t created = 0;  // when the config was read; seconds since 1970, UTC
};

}  // namespace understudy
