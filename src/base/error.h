// The project's only exception type, and what each kind of error means outside: exit status, HTTP status, OpenAI's
// type. Thrown where a fault is noticed (parsing, files, network); caught by cli/main.cc, the HTTP handler's wrapper,
// the engine's loop and a workflow's job, nowhere else. Outcomes that a caller chooses on are returned, not thrown.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace understudy {

enum class ErrorCode {
  kInvalidInput,  // a file, a config, a dataset or a request says something it may not
  kUsage,         // the command line
  kNotFound,      // a file, a model, an endpoint
  kUnauthorized,  // no key, or not this key
  kForbidden,     // a key that may not do this
  kTooLarge,      // over a limit that the message names
  kOverloaded,    // a queue is full, a limit reached; to be tried again
  kUnavailable,   // what was asked is not built in, or not there now
  kIo,            // disk, file system
  kNetwork,       // a port in use, a connection that broke
  kTimedOut,      // nothing came in time
  kOutOfMemory,
  kCancelled,  // Ctrl-C, a client that left, a deadline
  kInternal,   // our own mistake
};

class Error : public std::exception {
 public:
  // message: what is wrong with which field of which file or request, and what was expected. hint: what to do; may be
  // empty.
  Error(ErrorCode code, std::string message, std::string hint = {});

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }
  const std::string& hint() const { return hint_; }
  const char* what() const noexcept override { return message_.c_str(); }

  // For a fault in a request: the field ("messages[0].role") and the word that the protocol has for the fault
  // ("model_not_found"), where there are such: `throw Error(...).about("model", "model_not_found")`.
  Error&& about(std::string field, std::string reason = {}) &&;
  const std::string& field() const { return field_; }
  const std::string& reason() const { return reason_; }

 private:
  ErrorCode code_;
  std::string message_;
  std::string hint_;
  std::string field_;
  std::string reason_;
};

int exit_status(ErrorCode code);                     // 2 wrong input, 3 failed on the way, 130 stopped
int http_status(ErrorCode code);                     // 400, 401, 403, 404, 413, 429, 499, 500, 502, 503, 504
ErrorCode error_code_of_status(int status);          // of another server's answer, 400 to 599
std::string_view openai_error_type(ErrorCode code);  // "invalid_request_error", ...

// An Error of kIo for a failed system call: "path: verb: No space left on device". Takes errno as it stands.
[[nodiscard]] Error io_error(std::string_view verb, std::string_view path);

// Our own mistake: aborts the job with file, line and the sentence given. Stays on in release builds.
#define CHECK(condition, message)                                          \
  do {                                                                     \
    if (!(condition)) [[unlikely]]                                         \
      ::understudy::check_failed(__FILE__, __LINE__, #condition, message); \
  } while (false)
[[noreturn]] void check_failed(const char* file, int line, const char* condition, std::string_view message);

}  // namespace understudy
