// All exchanges there are, for commands and pages that read: those of the store, and those that still lie in the
// segment log alone; each once, in its newest form. Works with the gateway running or not, writes nothing, and needs no
// key of any provider. What is under way, or was when a process died, shows as a partial exchange.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "records/exchange.h"
#include "records/store.h"

namespace understudy {

class ExchangeSource {  // thread-safe
 public:
  // A folder that is not there has no exchanges.
  ExchangeSource(std::filesystem::path folder, const Store& store) : folder_(std::move(folder)), store_(store) {}

  // In the order of their time; `each` returns false to stop. What lies in the log alone is held in memory meanwhile.
  // Damage in the log is passed over with a warning. Throws kIo.
  void each_exchange(const ExchangeFilter& filter, const std::function<bool(const Exchange&)>& each) const;

 private:
  std::filesystem::path folder_;
  const Store& store_;
};

}  // namespace understudy
