// Which tokens of which sequences go into the next batch. Pure bookkeeping in counts of tokens and cache pages: it sees
// no model, no cache and no text, so that every rule can be tested by itself. Used by the engine's thread only.
//
// A sequence is tokens that are known (the prompt, then what was generated), the first `computed` of which stand in the
// cache. Each step computes, in this order:
//   1. one token of every running sequence that lacks just one: the decoding ones, so that no long prompt makes them
//   wait;
//   2. prompt tokens, at most prompt_chunk in all, shared fairly: whoever needs less than an equal share leaves the
//   rest to
//      the others.
// Waiting sequences start in the order of their arrival, none overtakes, as long as fewer than max_parallel run and the
// cache has pages for the whole prompt and one token more, with one spare page for each that runs already (so that
// those can go on for a page's tokens before anybody has to give way). When a decoding sequence finds no page, the
// youngest running one gives back all its pages and waits at the front; later its tokens are computed again, the
// generated ones as part of its prompt. It loses time, never tokens: a row's result does not depend on the batch, and
// sampling depends on the position only. Reserving max_tokens for everybody instead would leave most of the cache
// unused, since answers are mostly far shorter than they may be.
//
// Invariant 1: pages of running sequences + free_pages() = pages given in the limits.
// Invariant 2: every running sequence arrived before every waiting one.
// Invariant 3: with sequences present, next_step() grants at least one token; this holds as each fits the cache alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace understudy {

struct SchedulerLimits {
  int64_t pages = 0;        // of the cache
  int64_t page_tokens = 0;  // tokens in a page
  int max_parallel = 16;
  int64_t prompt_chunk = 256;
};

class Scheduler {
 public:
  using Id = uint64_t;
  struct Grant {
    Id id = 0;
    int64_t tokens = 0;  // to compute now, from `computed` on; the cache has pages for them
  };
  struct Step {
    std::vector<Grant> grants;  // each sequence at most once
    std::vector<Id> started;    // run from this step on, for the first time or again
    std::vector<Id> set_back;   // gave back all their pages: their `computed` is 0 now
  };

  explicit Scheduler(const SchedulerLimits& limits);

  // tokens >= 1, and pages for all that it will ever hold exist (the caller checks: CHECKed when it starts).
  void add(Id id, int64_t tokens);
  // The tokens of the step's grants are in the cache.
  void computed(Id id, int64_t tokens);
  // One token was generated.
  void append(Id id);
  // Finished, cancelled or failed: forgets it and frees its pages. Unknown ids are ignored.
  void remove(Id id);
  [[nodiscard]] Step next_step();

  bool empty() const { return running_.empty() && waiting_.empty(); }
  int64_t n_running() const { return static_cast<int64_t>(running_.size()); }
  int64_t free_pages() const { return free_pages_; }

 private:
  struct Sequence {
    Id id = 0;
    int64_t tokens = 0;
    int64_t computed = 0;
    int64_t pages = 0;
    int64_t missing() const { return tokens - computed; }
  };

  int64_t pages_for(int64_t tokens) const;
  Sequence& running(Id id);
  bool take_page_for(size_t index, Step& step);  // false: it was itself the youngest and was set back
  void grant_decoding(Step& step);
  void start_waiting(Step& step);
  void grant_prompts(Step& step);

  const SchedulerLimits limits_;
  int64_t free_pages_ = 0;
  std::vector<Sequence> running_;  // oldest first
  std::deque<Sequence> waiting_;   // oldest first
};

}  // namespace understudy
