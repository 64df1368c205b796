// The demo's application: sends the rows of a data set as chat requests to a base URL, some at a time, and counts what
// came back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace understudy::examples {

struct SendOptions {
  std::filesystem::path rows;
  std::string to;            // a base URL with /v1
  std::string model;         // as the application asks for it
  std::string task;          // header X-Understudy-Task; empty: none
  std::string instructions;  // the system message; empty: none
  int parallel = 4;
  int64_t skip = 0;   // rows that are passed over first
  int64_t limit = 0;  // rows sent; 0: all
};

struct SendReport {
  int64_t answered = 0;
  int64_t failed = 0;
  int64_t right = 0;                           // answered with the very label
  std::map<std::string, int64_t> answered_by;  // header X-Understudy-Provider
  std::string first_failure;
};

// Returns when all rows were sent. Throws kInvalidInput for the data set.
SendReport send_rows(const SendOptions& options);

}  // namespace understudy::examples
