// Every operation of tests/engine/ops/cases.h at working sizes, forward, on every backend of this processor but the
// reference: bytes and floating-point operations a second. The ceilings to hold them against are printed by
// bench/engine/throughput.cc.
#include <benchmark/benchmark.h>

#include "tests/engine/ops/cases.h"

namespace understudy::testing {
namespace {

void measure(benchmark::State& state, const std::shared_ptr<Ops>& ops, const std::shared_ptr<OpCase>& op) {
  for (auto _ : state) benchmark::DoNotOptimize(op->forward(*ops, op->inputs));
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["bytes/s"] = benchmark::Counter(op->bytes * rounds, benchmark::Counter::kIsRate);
  state.counters["FLOP/s"] = benchmark::Counter(op->operations * rounds, benchmark::Counter::kIsRate);
}

const bool registered = [] {
  for (const std::string_view name : available_ops()) {
    if (name == "reference") continue;
    const std::shared_ptr<Ops> ops = make_cpu_ops(name);
    for (OpCase& op : op_cases(1, true)) {
      const auto shared = std::make_shared<OpCase>(std::move(op));
      benchmark::RegisterBenchmark((std::string(name) + "/" + shared->name).c_str(),
                                   [ops, shared](benchmark::State& state) { measure(state, ops, shared); })
          ->MinTime(0.05)
          ->UseRealTime();
    }
  }
  return true;
}();

}  // namespace
}  // namespace understudy::testing
