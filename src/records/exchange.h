// One captured request with everything that became of it: the row that datasets, bills and routes are made from. Plain
// values with a JSON form; what the form is, ../docs/exchanges.md says to those outside.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "base/money.h"
#include "chat/conversation.h"

namespace understudy {

// What a provider's answers may be used for, as its owner said in the config.
enum class Terms { kNoTraining, kMayTrain };
std::string_view to_string(Terms terms);  // "no_training", "may_train"
std::optional<Terms> terms_from(std::string_view word);

// One provider asked once: a first try, a retry, the loser of a race, a shadow.
struct ExchangeAttempt {
  enum class Purpose { kAnswer, kHedge, kShadow, kEscalation };
  Purpose purpose = Purpose::kAnswer;
  std::string provider;
  std::string model;   // the provider's own name of it
  int key = 0;         // the place of the key in the provider's list; never its value
  int64_t at_ms = 0;   // since 1970, UTC
  int status = 0;      // HTTP's; 0 where there was none
  std::string error;   // a word and a sentence: "timed_out: first token after 30 s"; empty where it answered
  std::string answer;  // kept where it is not the exchange's own: a shadow's, an answer that a gate held back
  std::vector<std::string> gate;  // why gate B held the answer back; empty where it passed or was not asked
  Usage usage;
  std::optional<Money> cost;  // nothing: the price is unknown
  std::string price_version;  // of the row that gave the cost
  std::optional<double> first_token_ms;
  double total_ms = 0;
  Terms terms = Terms::kNoTraining;
  bool operator==(const ExchangeAttempt&) const = default;
};
std::string_view to_string(ExchangeAttempt::Purpose purpose);  // "answer", "hedge", "shadow", "escalation"
std::optional<ExchangeAttempt::Purpose> attempt_purpose_from(std::string_view word);

// Who was to answer, and why.
struct RouteChoice {
  std::string task;      // empty: no task of the config
  std::string decision;  // "teacher", "specialist", "escalated", "chain"
  std::string reason;    // "share 80%", "sentinel", "images", "grounded: total", ...
  int64_t version = 0;   // of the task's route
  bool operator==(const RouteChoice&) const = default;
};

struct Exchange {
  std::string id;
  int64_t at_ms = 0;     // when the request was there, since 1970, UTC
  std::string endpoint;  // "/v1/chat/completions"
  ProtocolName protocol = ProtocolName::kOpenAiChat;
  std::string model;     // as the application asked
  std::string provider;  // who answered; empty where nobody did
  std::string provider_model;
  std::string task;         // of the config, or "found-<first digits of the fingerprint>"
  std::string fingerprint;  // gateway/wire/request_head.h
  std::map<std::string, std::string> tags;
  std::string key;    // the virtual key's name; empty without keys
  int status = 0;     // what the client got
  std::string error;  // as in ExchangeAttempt
  RouteChoice route;
  std::vector<ExchangeAttempt> attempts;
  Usage usage;                // of the answer that the client got
  std::optional<Money> cost;  // of all attempts together; nothing where one of them is unknown
  std::optional<double> first_token_ms;
  double total_ms = 0;
  Terms terms = Terms::kNoTraining;  // of who answered
  bool stream = false;
  bool partial = false;    // the answer has no proper end
  bool estimated = false;  // some usage was counted by us
  bool sampled = true;     // whether request and answer were kept (false: sample or retention took them)
  std::string request;     // the body, redacted
  std::string answer;      // the body, redacted; of a stream the collected answer as a body of the same protocol
  bool operator==(const Exchange&) const = default;
};

// The form of `understudy exchanges --format json`, for programs outside. A body that is a JSON object or list stands
// as that value (and comes back written compactly), any other as a text. Texts that are not UTF-8 show U+FFFD once the
// value is written out. What has to keep every byte is kept by records/exchange_bytes.h.
Json to_json(const Exchange& exchange);
// The way back; unknown members are passed over. Throws kInvalidInput naming the member.
Exchange exchange_from(const Json& value);

}  // namespace understudy
