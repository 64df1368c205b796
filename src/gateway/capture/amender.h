// Adds what came later to exchanges that have ended: the attempts of a shadow. An exchange is amended once it is in the
// store: it is read, the attempts are added, and it is recorded anew, which replaces the row. On a thread of its own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/capture/recorder.h"
#include "records/store.h"

namespace understudy {

class Amender {  // thread-safe
 public:
  // Makes the attempts fit to be kept (redacted as their task's exchanges are).
  using Prepare = std::function<void(const Exchange& exchange, std::vector<ExchangeAttempt>& attempts)>;
  // Recorder and store outlive it.
  Amender(Recorder& recorder, Store& store, Prepare prepare);
  ~Amender();  // what could not be amended by now is lost, and said in the log
  void add(const std::string& exchange_id, std::vector<ExchangeAttempt> attempts);

 private:
  struct Work;
  std::unique_ptr<Work> work_;
};

}  // namespace understudy
