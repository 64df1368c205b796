#include "traffic/teacher.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/timestamp.h"
#include "net/http_server.h"
#include "rows.h"

namespace understudy::examples {

namespace {

constexpr size_t kBytesOfToken = 4;  // of the usual vocabularies, roughly
constexpr size_t kPieceBytes = 16;   // of a streamed answer

int64_t tokens_of(size_t bytes) {
  return static_cast<int64_t>((bytes + kBytesOfToken - 1) / kBytesOfToken);
}

class Pieces : public ResponseStream {
 public:
  explicit Pieces(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}
  Awaitable<std::optional<std::string>> next() override {
    if (at_ == pieces_.size()) co_return std::nullopt;
    co_return std::move(pieces_[at_++]);
  }

 private:
  std::vector<std::string> pieces_;
  size_t at_ = 0;
};

class Teacher {
 public:
  explicit Teacher(const std::filesystem::path& path) {
    for (LabelledRow& row : read_rows(path)) answers_.emplace(std::move(row.input), std::move(row.output));
  }

  Awaitable<HttpResponse> answer(const HttpRequest& http) const {
    if (http.method == "GET" && http.path == "/v1/models") {
      co_return json({{"object", "list"}, {"data", Json::array({{{"id", "gpt-5"}, {"object", "model"}}})}});
    }
    if (http.method != "POST" || http.path != "/v1/chat/completions") {
      throw Error(ErrorCode::kNotFound, http.path + ": there is no such endpoint");
    }
    const Json request = parse_json(http.body, "the request's body");
    expect_chat(request);
    HttpResponse response;
    if (request.value("stream", false)) {
      response = streamed(request);
    } else {
      response = json(whole(request));
    }
    co_return response;
  }

  static HttpResponse refuse(int status, const Error& error) {
    HttpResponse response = json({{"error", {{"message", error.message()}, {"type", "invalid_request_error"}}}});
    response.status = status;
    return response;
  }

 private:
  static HttpResponse json(const Json& value) { return HttpResponse::of(200, "application/json", dump_json(value)); }

  static void expect_chat(const Json& request) {
    const bool has_messages = request.is_object() && request.contains("messages") && request["messages"].is_array();
    const auto is_object = [](const Json& message) { return message.is_object(); };
    if (has_messages && std::all_of(request["messages"].begin(), request["messages"].end(), is_object)) return;
    throw Error(ErrorCode::kInvalidInput, "messages: expected a list of messages");
  }
  static std::string last_user_text(const Json& request) {
    std::string text;
    for (const Json& message : request.at("messages")) {
      if (message.value("role", "") == "user" && message.contains("content") && message["content"].is_string()) {
        text = message["content"].get<std::string>();
      }
    }
    return text;
  }
  std::string text_for(const Json& request) const {
    const auto found = answers_.find(last_user_text(request));
    return found == answers_.end() ? "{}" : found->second;
  }
  static Json usage_of(const Json& request, const std::string& text) {
    const int64_t prompt = tokens_of(dump_json(request["messages"]).size());
    const int64_t completion = tokens_of(text.size());
    return {{"prompt_tokens", prompt}, {"completion_tokens", completion}, {"total_tokens", prompt + completion}};
  }
  static Json head_of(const Json& request, const char* object) {
    return {{"id", "chatcmpl-teacher"},
            {"object", object},
            {"created", now_ms() / 1000},
            {"model", request.value("model", "gpt-5")}};
  }

  Json whole(const Json& request) const {
    const std::string text = text_for(request);
    Json answer = head_of(request, "chat.completion");
    answer["choices"] = Json::array(
        {{{"index", 0}, {"message", {{"role", "assistant"}, {"content", text}}}, {"finish_reason", "stop"}}});
    answer["usage"] = usage_of(request, text);
    return answer;
  }

  HttpResponse streamed(const Json& request) const {
    const std::string text = text_for(request);
    std::vector<std::string> events;
    const auto add = [&](Json delta, Json reason) {
      Json chunk = head_of(request, "chat.completion.chunk");
      chunk["choices"] =
          Json::array({{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(reason)}}});
      events.push_back(server_sent_event(dump_json(chunk)));
    };
    add({{"role", "assistant"}, {"content", ""}}, nullptr);
    for (size_t at = 0; at < text.size();) {
      size_t end = std::min(text.size(), at + kPieceBytes);
      while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;  // whole characters
      add({{"content", text.substr(at, end - at)}}, nullptr);
      at = end;
    }
    add(Json::object(), "stop");
    if (request.contains("stream_options") && request["stream_options"].value("include_usage", false)) {
      Json chunk = head_of(request, "chat.completion.chunk");
      chunk["choices"] = Json::array();
      chunk["usage"] = usage_of(request, text);
      events.push_back(server_sent_event(dump_json(chunk)));
    }
    events.push_back(server_sent_event("[DONE]"));
    HttpResponse response;
    response.headers.emplace_back("Content-Type", "text/event-stream");
    response.stream = std::make_unique<Pieces>(std::move(events));
    return response;
  }

  std::map<std::string, std::string> answers_;  // by the user's message; constant after construction
};

}  // namespace

void serve_teacher(const std::filesystem::path& rows, const std::string& listen, const std::stop_token& stop) {
  const Teacher teacher(rows);
  HttpServerOptions options;
  options.listen = parse_listen_address(listen, "--listen");
  options.threads = 1;
  HttpServer server(
      options, [&teacher](const HttpRequest& http) { return teacher.answer(http); }, Teacher::refuse);
  server.start();
  fmt::print("listening on http://{}\n", server.address().text());
  std::fflush(stdout);
  std::promise<void> told;
  const std::stop_callback tell(stop, [&told] { told.set_value(); });
  told.get_future().wait();
  server.stop(std::chrono::seconds(1));
}

}  // namespace understudy::examples
