#include "base/error.h"

#include <cerrno>
#include <system_error>
#include <utility>

namespace understudy {

namespace {

struct Meaning {
  ErrorCode code;
  int exit_status;
  int http_status;
  std::string_view openai_type;
};

constexpr Meaning kMeanings[] = {
    {ErrorCode::kInvalidInput, 2, 400, "invalid_request_error"},
    {ErrorCode::kUsage, 2, 400, "invalid_request_error"},
    {ErrorCode::kNotFound, 2, 404, "invalid_request_error"},
    {ErrorCode::kUnauthorized, 2, 401, "authentication_error"},
    {ErrorCode::kForbidden, 2, 403, "permission_error"},
    {ErrorCode::kTooLarge, 2, 413, "invalid_request_error"},
    {ErrorCode::kOverloaded, 3, 429, "rate_limit_error"},
    {ErrorCode::kUnavailable, 3, 503, "server_error"},
    {ErrorCode::kIo, 3, 500, "server_error"},
    {ErrorCode::kNetwork, 3, 502, "server_error"},
    {ErrorCode::kTimedOut, 3, 504, "server_error"},
    {ErrorCode::kOutOfMemory, 3, 503, "server_error"},
    {ErrorCode::kCancelled, 130, 499, "invalid_request_error"},
    {ErrorCode::kInternal, 3, 500, "server_error"},
};

const Meaning& meaning_of(ErrorCode code) {
  for (const Meaning& meaning : kMeanings) {
    if (meaning.code == code) return meaning;
  }
  return kMeanings[std::size(kMeanings) - 1];
}

}  // namespace

Error::Error(ErrorCode code, std::string message, std::string hint)
    : code_(code), message_(std::move(message)), hint_(std::move(hint)) {}

Error&& Error::about(std::string field, std::string reason) && {
  field_ = std::move(field);
  reason_ = std::move(reason);
  return std::move(*this);
}

int exit_status(ErrorCode code) {
  return meaning_of(code).exit_status;
}
int http_status(ErrorCode code) {
  return meaning_of(code).http_status;
}
ErrorCode error_code_of_status(int status) {
  constexpr int kBusyAnthropic = 529;
  if (status == kBusyAnthropic) return ErrorCode::kUnavailable;
  if (status == 408) return ErrorCode::kTimedOut;
  if (status == 500) return ErrorCode::kInternal;
  for (const Meaning& meaning : kMeanings) {
    if (meaning.http_status == status) return meaning.code;
  }
  return status >= 400 && status < 500 ? ErrorCode::kInvalidInput : ErrorCode::kInternal;
}
std::string_view openai_error_type(ErrorCode code) {
  return meaning_of(code).openai_type;
}

Error io_error(std::string_view verb, std::string_view path) {
  const int number = errno;
  std::string message =
      std::string(path) + ": cannot " + std::string(verb) + ": " + std::generic_category().message(number);
  // A wrong path is wrong input; the rest (full, forbidden, broken) fails on the way.
  const bool wrong_path = number == EISDIR || number == ENOTDIR || number == ENAMETOOLONG || number == ELOOP;
  const ErrorCode code = number == ENOENT ? ErrorCode::kNotFound
                         : wrong_path     ? ErrorCode::kInvalidInput
                                          : ErrorCode::kIo;
  std::string hint =
      number == ENOSPC ? "free some space and run the command again; nothing that was there is lost" : "";
  return Error(code, std::move(message), std::move(hint));
}

void check_failed(const char* file, int line, const char* condition, std::string_view message) {
  throw Error(ErrorCode::kInternal,
              std::string(file) + ":" + std::to_string(line) + ": " + std::string(message) + " (" + condition + ")",
              "this is a fault of the program: please report it with the command line");
}

}  // namespace understudy
