// The pre-training of the seedling: tasks instead of prose, mixed so that a skill that others rest on (copying) comes
// first. A row is a pure function of (seed, its number, how many there are); thread-safe.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "generate/questions.h"

namespace understudy::examples {

// Streams of random numbers, so that no row of the demo is ever drawn as a row of pre-training, whatever the seeds.
inline constexpr uint64_t kPretrainingStreams = 0;                // row i: stream i
inline constexpr uint64_t kDemoTrainStreams = UINT64_C(1) << 40;  // row i: this + i
inline constexpr uint64_t kDemoTestStreams = UINT64_C(2) << 40;
inline constexpr uint64_t kPretrainingCheckStreams = UINT64_C(3) << 40;  // rows to measure pre-training on

// The families of tasks.
std::vector<std::string_view> task_names();
Row pretraining_task(Random& random, std::string_view name);

// Row `index` of `rows`. The shares of the tasks move along the file: short copies and look-ups come first, papers
// later.
Row pretraining_row(uint64_t seed, uint64_t index, uint64_t rows);
// The same mix as at the end, from streams that training never draws.
Row pretraining_check_row(uint64_t seed, uint64_t index);

enum class DemoSplit { kTrain, kTest };
Row demo_example(uint64_t seed, DemoSplit split, uint64_t index);

}  // namespace understudy::examples
