// The captured traffic as the commands that add it up read it (cost, tasks, exchanges): what gateway.yml says of where
// it lies and who is who, and every exchange with what its request's body shows. It needs no provider's key.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "economics/parties.h"
#include "economics/price_book.h"
#include "economics/prompt_shape.h"
#include "economics/traffic_cost.h"
#include "records/store.h"

namespace understudy::cli {

struct TrafficConfig {
  StoreAddress store;
  std::filesystem::path capture_folder;
  PriceBook prices;
  Parties parties;
  std::vector<std::string> tasks;                            // in the file's order
  std::map<std::string, TrafficQuestion::Teacher> teachers;  // by task: the first of the teacher's chain
};

// Throws kInvalidInput with file, line and key.
TrafficConfig read_traffic_config(const std::filesystem::path& path);

// "7d", "12h" before now, or a day or instant in UTC: "2026-11-25". Throws kUsage naming `flag`.
int64_t since_ms(const std::string& text, const char* flag);

// In the order of their time. A body that was not kept, or that is no request of its protocol any more, has an empty
// shape.
void each_exchange(const TrafficConfig& config, const Store& store, const ExchangeFilter& filter,
                   const std::function<void(const Exchange&, const PromptShape&)>& each);

}  // namespace understudy::cli
