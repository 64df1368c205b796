#include "engine/inference/scheduler.h"

#include <algorithm>

#include "base/error.h"

namespace understudy {

Scheduler::Scheduler(const SchedulerLimits& limits) : limits_(limits), free_pages_(limits.pages) {
  CHECK(limits.pages > 0 && limits.page_tokens > 0 && limits.max_parallel > 0 && limits.prompt_chunk > 0,
        "every limit of the scheduler is positive");
}

int64_t Scheduler::pages_for(int64_t tokens) const {
  return (tokens + limits_.page_tokens - 1) / limits_.page_tokens;
}

void Scheduler::add(Id id, int64_t tokens) {
  CHECK(tokens > 0, "a sequence has at least one token");
  waiting_.push_back({.id = id, .tokens = tokens});
}

Scheduler::Sequence& Scheduler::running(Id id) {
  const auto found = std::find_if(running_.begin(), running_.end(), [id](const Sequence& s) { return s.id == id; });
  CHECK(found != running_.end(), "the sequence is running");
  return *found;
}

void Scheduler::computed(Id id, int64_t tokens) {
  Sequence& sequence = running(id);
  CHECK(tokens <= sequence.missing(), "no more is computed than is known");
  sequence.computed += tokens;
}

void Scheduler::append(Id id) {
  running(id).tokens += 1;
}

void Scheduler::remove(Id id) {
  const auto same = [id](const Sequence& s) { return s.id == id; };
  const auto found = std::find_if(running_.begin(), running_.end(), same);
  if (found != running_.end()) {
    free_pages_ += found->pages;
    running_.erase(found);
    return;
  }
  const auto queued = std::find_if(waiting_.begin(), waiting_.end(), same);
  if (queued != waiting_.end()) waiting_.erase(queued);
}

Scheduler::Step Scheduler::next_step() {
  Step step;
  grant_decoding(step);
  start_waiting(step);
  grant_prompts(step);
  return step;
}

bool Scheduler::take_page_for(size_t index, Step& step) {
  while (free_pages_ == 0) {
    Sequence youngest = running_.back();
    const bool itself = running_.size() - 1 == index;
    running_.pop_back();
    free_pages_ += youngest.pages;
    youngest.pages = 0;
    youngest.computed = 0;
    step.set_back.push_back(youngest.id);
    waiting_.push_front(youngest);
    if (itself) return false;
  }
  free_pages_ -= 1;
  running_[index].pages += 1;
  return true;
}

// Oldest first, so that whoever is set back for a page has not been granted anything in this step: victims are younger.
void Scheduler::grant_decoding(Step& step) {
  for (size_t i = 0; i < running_.size(); ++i) {
    if (running_[i].missing() != 1) continue;
    const bool lacks_page = running_[i].pages < pages_for(running_[i].tokens);
    if (lacks_page && !take_page_for(i, step)) return;
    step.grants.push_back({running_[i].id, 1});
  }
}

void Scheduler::start_waiting(Step& step) {
  while (!waiting_.empty() && n_running() < limits_.max_parallel) {
    Sequence& next = waiting_.front();
    const int64_t fits_alone = std::min(pages_for(next.tokens + 1), limits_.pages);
    CHECK(pages_for(next.tokens) <= limits_.pages, "a sequence fits the cache by itself");
    if (fits_alone + n_running() > free_pages_) return;
    next.pages = fits_alone;
    free_pages_ -= fits_alone;
    step.started.push_back(next.id);
    running_.push_back(next);
    waiting_.pop_front();
  }
}

// Water filling: from the shortest need to the longest, each takes at most an equal share of what is left.
void Scheduler::grant_prompts(Step& step) {
  const auto granted = [&step](Id id) {
    return std::any_of(step.grants.begin(), step.grants.end(), [id](const Grant& grant) { return grant.id == id; });
  };
  std::vector<const Sequence*> prompts;
  for (const Sequence& sequence : running_) {
    if (sequence.missing() > 0 && !granted(sequence.id)) prompts.push_back(&sequence);
  }
  std::stable_sort(prompts.begin(), prompts.end(),
                   [](const Sequence* a, const Sequence* b) { return a->missing() < b->missing(); });
  int64_t left = limits_.prompt_chunk;
  for (size_t i = 0; i < prompts.size() && left > 0; ++i) {
    const int64_t sharers = static_cast<int64_t>(prompts.size() - i);
    const int64_t share = std::max<int64_t>(1, left / sharers);
    const int64_t tokens = std::min(share, prompts[i]->missing());
    step.grants.push_back({prompts[i]->id, tokens});
    left -= tokens;
  }
}

}  // namespace understudy
