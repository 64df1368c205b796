// The config made ready for requests: names become chains and gates, and files that it names are read. Throws where a
// file cannot be read, so that a reload with such a config is refused and the old snapshot stays.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/routing/gateway_config.h"
#include "gateway/routing/health.h"
#include "gateway/routing/snapshot.h"

namespace understudy {

struct SnapshotParts {
  std::map<std::string, std::shared_ptr<Provider>> providers;  // by the config's names, all of them
  HealthBoard& board;
  int64_t created = 0;  // seconds since 1970, UTC
};

std::shared_ptr<const RoutingSnapshot> build_snapshot(const GatewayConfig& config, const SnapshotParts& parts);

// What each task's route starts with: version 0.
std::vector<Route> first_routes(const GatewayConfig& config);

Budgets::Limits key_limits(const GatewayConfig& config);

}  // namespace understudy
