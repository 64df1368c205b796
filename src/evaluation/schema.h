// A JSON Schema (draft 7) that judges answers. Over valijson, whose patterns run on std::regex: strings are limited in
// length before it sees them. Immutable; check() is thread-safe.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/json_fwd.h"

namespace understudy::evaluation {

class AnswerSchema {
 public:
  // Throws kInvalidInput with the file for text that is no JSON or no schema.
  static AnswerSchema read_file(const std::filesystem::path& path);
  AnswerSchema(const Json& schema, const std::string& where);
  AnswerSchema(AnswerSchema&&) noexcept;
  AnswerSchema& operator=(AnswerSchema&&) noexcept;
  ~AnswerSchema();

  // What is wrong, "total: ...", in one sentence; empty where the schema accepts the value.
  std::string fault(const Json& value) const;

  const Json& json() const;

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace understudy::evaluation
