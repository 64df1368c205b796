#include "gateway/routing/fingerprint_file.h"

#include <fmt/format.h>

#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/log.h"

namespace understudy {

namespace {

// An application whose static prompt is never the same makes the file anew each time: 10,000 entries are 1 MB.
constexpr std::chrono::seconds kBetweenWrites{10};
constexpr uint64_t kMostBytes = 16 << 20;
constexpr int64_t kFormat = 1;

// {"format": 1, "fingerprints": [["ab12...", "invoices"], ...]}, seen most recently first.
std::string text_of(const std::vector<KnownFingerprint>& all) {
  Json list = Json::array();
  for (const KnownFingerprint& known : all) list.push_back(Json::array({known.fingerprint, known.task}));
  return dump_json({{"format", kFormat}, {"fingerprints", std::move(list)}}) + "\n";
}

std::vector<KnownFingerprint> fingerprints_in(const std::string& text, const std::string& where) {
  const Json json = parse_json(text, where);
  const auto damaged = [&where] { return Error(ErrorCode::kInvalidInput, where + ": not a file of fingerprints"); };
  if (!json.is_object() || json.value("format", Json()) != kFormat || !json.contains("fingerprints")) throw damaged();
  std::vector<KnownFingerprint> all;
  for (const Json& entry : json["fingerprints"]) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_string()) throw damaged();
    all.push_back({entry[0].get<std::string>(), entry[1].get<std::string>()});
  }
  return all;
}

}  // namespace

FingerprintFile::FingerprintFile(std::filesystem::path path, KnownFingerprints& known)
    : path_(std::move(path)), known_(known) {
  try {
    read();
  } catch (const Error& error) {
    log_warning(fmt::format("{}; fingerprints of tasks are learned anew", error.message()));
  }
  kept_version_ = known_.version();
}

FingerprintFile::~FingerprintFile() {
  keep_changes(Clock::time_point::max());
}

void FingerprintFile::read() {
  if (!std::filesystem::exists(path_)) return;
  known_.restore(fingerprints_in(read_file(path_, kMostBytes), path_.string()));
}

void FingerprintFile::keep_changes(Clock::time_point now) {
  if (now < may_write_from_ || known_.version() == kept_version_) return;
  try {
    write();
    has_warned_ = false;
  } catch (const Error& error) {
    if (!has_warned_) log_warning(fmt::format("{}; fingerprints of tasks are not kept meanwhile", error.message()));
    has_warned_ = true;
  }
  if (now != Clock::time_point::max()) may_write_from_ = now + kBetweenWrites;
}

void FingerprintFile::write() {
  const uint64_t version = known_.version();  // before all(): what is learned in between is written next time
  write_file_atomically(path_, text_of(known_.all()));
  kept_version_ = version;
}

}  // namespace understudy
