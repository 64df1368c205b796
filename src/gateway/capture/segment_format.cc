#include "gateway/capture/segment_format.h"

#include <fmt/format.h>

#include "gateway/capture/crc32c.h"
#include "records/exchange_bytes.h"

namespace understudy {

namespace {

constexpr std::string_view kMagic = "USTDYLOG";
constexpr uint32_t kVersion = 1;
constexpr size_t kChecksumAt = 12;  // in a record's head

template <class Number>
void put(std::string& bytes, Number value) {
  for (size_t i = 0; i < sizeof value; ++i) bytes += static_cast<char>(static_cast<uint64_t>(value) >> (8 * i));
}

template <class Number>
Number number_at(std::string_view bytes, size_t at) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(Number); ++i) value |= uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  return static_cast<Number>(value);
}

Error broken(const char* what) {
  return Error(ErrorCode::kInvalidInput, fmt::format("capture record: {}", what),
               "it was written by another version, or the file was changed");
}

std::string record_beginning(RecordKind kind, uint32_t run, size_t length) {
  if (length > kPayloadAtMost) {
    throw Error(ErrorCode::kTooLarge,
                fmt::format("capture record: {} bytes, at most {} can be kept", length, kPayloadAtMost));
  }
  std::string bytes;
  bytes.reserve(kRecordHeadBytes + length);
  put(bytes, run);
  put(bytes, static_cast<uint32_t>(length));
  put(bytes, static_cast<uint32_t>(kind));
  put(bytes, uint32_t{0});  // the checksum, once the payload is there
  return bytes;
}

uint32_t checksum_of(std::string_view record) {
  return crc32c(record.substr(kRecordHeadBytes), crc32c(record.substr(0, kChecksumAt)));
}

void seal(std::string& record) {
  const uint32_t checksum = checksum_of(record);
  for (size_t i = 0; i < sizeof checksum; ++i) record[kChecksumAt + i] = static_cast<char>(checksum >> (8 * i));
}

// The first `length` bytes behind a length of four bytes; `payload` keeps what follows.
std::string_view take_counted(std::string_view& payload) {
  if (payload.size() < 4) throw broken("too short");
  const auto length = number_at<uint32_t>(payload, 0);
  payload.remove_prefix(4);
  if (length > payload.size()) throw broken("a part that is longer than the record");
  const std::string_view part = payload.substr(0, length);
  payload.remove_prefix(length);
  return part;
}

}  // namespace

std::string write_segment_head(const SegmentHead& head) {
  std::string bytes(kMagic);
  put(bytes, kVersion);
  put(bytes, head.run);
  put(bytes, head.number);
  put(bytes, crc32c(bytes));
  return bytes;
}

std::optional<SegmentHead> read_segment_head(std::string_view bytes, std::string_view name) {
  if (bytes.size() < kSegmentHeadBytes || !bytes.starts_with(kMagic)) return std::nullopt;
  if (crc32c(bytes.substr(0, 24)) != number_at<uint32_t>(bytes, 24)) return std::nullopt;
  const auto version = number_at<uint32_t>(bytes, 8);
  if (version != kVersion) {
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("{}: a capture segment of version {}, expected {}", name, version, kVersion),
                "a newer understudy wrote it: read it with that one");
  }
  const SegmentHead head{number_at<uint32_t>(bytes, 12), number_at<uint64_t>(bytes, 16)};
  return head.run == 0 ? std::nullopt : std::optional(head);
}

std::optional<RecordHead> read_record_head(std::string_view bytes) {
  if (bytes.size() < kRecordHeadBytes) return std::nullopt;
  const RecordHead head{number_at<uint32_t>(bytes, 0), number_at<uint32_t>(bytes, 4),
                        static_cast<RecordKind>(number_at<uint8_t>(bytes, 8)), number_at<uint32_t>(bytes, kChecksumAt)};
  const bool zeros = bytes[9] == 0 && bytes[10] == 0 && bytes[11] == 0;
  return head.run != 0 && zeros && head.length <= kPayloadAtMost ? std::optional(head) : std::nullopt;
}

bool checksum_holds(const RecordHead& head, std::string_view bytes) {
  return bytes.size() == kRecordHeadBytes + head.length && checksum_of(bytes) == head.checksum;
}

std::string exchange_record(RecordKind kind, uint32_t run, const Exchange& exchange) {
  const PackedExchange packed = pack(exchange);
  std::string record = record_beginning(kind, run, 4 + packed.head.size() + packed.bodies.size());
  put(record, static_cast<uint32_t>(packed.head.size()));
  record += packed.head;
  record += packed.bodies;
  seal(record);
  return record;
}

std::string part_record(uint32_t run, std::string_view id, std::string_view bytes, const Usage& usage) {
  std::string record = record_beginning(RecordKind::kPart, run, 4 + id.size() + 6 * 8 + 1 + bytes.size());
  put(record, static_cast<uint32_t>(id.size()));
  record += id;
  for (const int64_t count :
       {usage.input, usage.cached_input, usage.cache_write, usage.cache_write_1h, usage.output, usage.reasoning}) {
    put(record, count);
  }
  put(record, static_cast<uint8_t>(usage.estimated));
  record += bytes;
  seal(record);
  return record;
}

std::string mark_record(uint32_t run) {
  std::string record = record_beginning(RecordKind::kMark, run, 0);
  seal(record);
  return record;
}

Exchange read_exchange_payload(std::string_view payload) {
  const std::string_view head = take_counted(payload);
  return unpack(head, payload);
}

PartPayload read_part_payload(std::string_view payload) {
  PartPayload part;
  part.id = take_counted(payload);
  if (payload.size() < 6 * 8 + 1) throw broken("a part without its usage");
  int64_t* const counts[] = {&part.usage.input,          &part.usage.cached_input, &part.usage.cache_write,
                             &part.usage.cache_write_1h, &part.usage.output,       &part.usage.reasoning};
  for (size_t i = 0; i < 6; ++i) *counts[i] = number_at<int64_t>(payload, 8 * i);
  part.usage.estimated = payload[48] != 0;
  part.bytes = payload.substr(49);
  return part;
}

}  // namespace understudy
