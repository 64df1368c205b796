// A provider behind HTTP: any row of the vendor table. A hop between equal protocols forwards the client's bytes, with
// another model name; any other is written anew (gateway/wire). What comes back is read event by event, and the events
// themselves are kept, so that a client of the same protocol gets them as they came.
//
// Several keys take turns. One that is not taken (401, 403) rests five minutes, one that is rate-limited as long as the
// provider says, at most 60 s: a bad key is not a dead provider.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "gateway/providers/provider.h"
#include "gateway/providers/vendor.h"
#include "net/http_client.h"

namespace understudy {

struct HttpProviderOptions {
  std::string name;  // in the config
  const Vendor* vendor = nullptr;
  std::string base_url;           // empty: the vendor's
  std::vector<std::string> keys;  // may be empty where the vendor asks for none
  bool allow_private_address = false;
  HttpTimeouts timeouts;
  std::chrono::milliseconds probe_timeout{5'000};
};

class HttpProvider : public Provider {  // thread-safe
 public:
  using Clock = std::chrono::steady_clock;
  // `client` outlives it. `now`: for tests.
  HttpProvider(HttpProviderOptions options, HttpClient& client, std::function<Clock::time_point()> now = Clock::now);

  Awaitable<Attempt> start(const WireRequest& request, const std::string& model, const Call& call) override;
  Awaitable<std::optional<TokenCount>> count_tokens(const WireRequest& request, const std::string& model,
                                                    const Call& call) override;
  Awaitable<std::optional<ProviderFailure>> probe(const Call& call) override;
  bool has_embeddings() const override { return !options_.vendor->embeddings_path.empty(); }
  std::vector<ProviderModel> models() const override { return {}; }  // applications ask for names of the config
  ProviderLoad load() const override { return {0, running_.load()}; }

 private:
  struct KeyState {
    std::string text;
    Clock::time_point rests_until{};
  };
  struct Outgoing {
    const Protocol* protocol = nullptr;
    bool strips_usage = false;  // the client of this stream did not ask for its usage
    OutboundRequest http;
    std::vector<std::string> dropped;
    int key = 0;
  };
  Outgoing outgoing(const WireRequest& request, const std::string& model);
  ProtocolName protocol_for(ProtocolName asked) const;
  int pick_key() EXCLUDES(mutex_);
  void rest_key(int key, std::chrono::seconds duration) EXCLUDES(mutex_);
  void authenticate(int key, Authentication how, HttpHeaders& headers) EXCLUDES(mutex_);
  // Gives a request what all have: a key, whose place comes back, the protocol's version, timeouts.
  int sign(OutboundRequest& http, ProtocolName protocol) EXCLUDES(mutex_);
  ProviderFailure failure_of(const HttpFailure& failure, int key) const;
  Awaitable<ProviderFailure> failure_of_status(HttpReply& reply, const Protocol& protocol, int key);

  const HttpProviderOptions options_;
  HttpClient& client_;
  const std::function<Clock::time_point()> now_;
  std::atomic<int64_t> running_{0};
  std::atomic<unsigned> turn_{0};
  Mutex mutex_;
  std::vector<KeyState> keys_ GUARDED_BY(mutex_);
};

// Retry-After in seconds or as a date, retry-after-ms, and OpenAI's x-ratelimit-reset-requests ("1s", "6m0s"); rounded
// up to whole seconds. Nothing where none says anything. `now_s`: seconds since 1970.
std::optional<std::chrono::seconds> retry_after(const HttpReply& reply, int64_t now_s);

}  // namespace understudy
