#include "gateway/api/api.h"

#include <fmt/format.h>

#include <new>
#include <optional>
#include <utility>

#include "gateway/api/keyring.h"
#include "gateway/wire/openai_error.h"

namespace understudy {

namespace {

// A body up to this size is read where it arrived: 5 kB are parsed and redacted in some 20 us, and going to a worker
// and coming back costs as much again where both share a processor.
constexpr size_t kStaysBytes = size_t{16} << 10;

struct Match {
  const Endpoint* endpoint = nullptr;
  std::string rest;
  bool other_method = false;  // the path is known, the method is not
};

// What `path` has where the endpoint's path has "*"; nothing where they do not fit.
std::optional<std::string> rest_of(std::string_view path, std::string_view pattern) {
  if (pattern.back() != '*') return path == pattern ? std::optional<std::string>("") : std::nullopt;
  const std::string_view front = pattern.substr(0, pattern.size() - 1);
  if (path.size() <= front.size() || path.substr(0, front.size()) != front) return std::nullopt;
  return percent_decode(path.substr(front.size()));
}

Match find_endpoint(const std::vector<Endpoint>& table, const HttpRequest& http) {
  const std::string_view method = http.method == "HEAD" ? "GET" : std::string_view(http.method);
  Match match;
  for (const Endpoint& endpoint : table) {
    std::optional<std::string> rest = rest_of(http.path, endpoint.path);
    if (!rest) continue;
    if (endpoint.method == method) return {&endpoint, std::move(*rest), false};
    match.other_method = true;
  }
  return match;
}

HttpResponse no_endpoint(const std::vector<Endpoint>& table, const HttpRequest& http, bool other_method) {
  const std::string name = fmt::format("{} {}", http.method, http.path.substr(0, 200));
  if (!other_method) {
    return Api::write_error(404, Error(ErrorCode::kNotFound, fmt::format("{}: there is no such endpoint", name)));
  }
  HttpResponse response =
      Api::write_error(405, Error(ErrorCode::kInvalidInput, fmt::format("{}: not with this method", name)));
  std::string allowed;
  for (const Endpoint& endpoint : table) {
    if (rest_of(http.path, endpoint.path)) allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ", endpoint.method);
  }
  response.headers.emplace_back("Allow", std::move(allowed));
  return response;
}

}  // namespace

Api::Api(Surroundings surroundings) : given_(std::move(surroundings)), request_metrics_(given_.metrics) {}

HttpResponse Api::write_error(int status, const Error& error) {
  return HttpResponse::of(status, "application/json", openai::write_error(error));
}

Caller Api::identify(const HttpRequest& http) const {
  if (!given_.keyring) return {};
  return given_.keyring()->identify(http, now_ms());
}

Awaitable<HttpResponse> Api::answer(const HttpRequest& http) {
  const Match match = find_endpoint(table(), http);
  if (match.endpoint == nullptr) {
    request_metrics_.count_request("other", match.other_method ? 405 : 404);
    co_return no_endpoint(table(), http, match.other_method);
  }
  if (http.body.size() > kStaysBytes) co_await resume_on(given_.workers);
  std::optional<Error> error;
  try {
    HttpResponse response = co_await match.endpoint->handler(*this, http, match.rest);
    request_metrics_.count_request(match.endpoint->path, response.status);
    co_return response;
  } catch (const Error& fault) {
    error = fault;
  } catch (...) {
    request_metrics_.count_request(match.endpoint->path, 500);
    throw;
  }
  request_metrics_.count_request(match.endpoint->path, http_status(error->code()));
  throw *error;
}

}  // namespace understudy
