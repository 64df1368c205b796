// The bytes of the segment log, both directions. Pure functions.
//
// A capture folder holds segments, files named segment-<number, 20 digits>.log, written in the order of their numbers.
// Only the newest grows; a process that starts always begins a new one. All numbers are little-endian.
//
//   segment  = head, record, record, ...
//   head     = magic "USTDYLOG" (8 bytes), version (4: 1), run (4), number (8), checksum (4) of the 24 bytes before it
//   record   = run (4), length of the payload (4), kind (1), zeros (3), checksum (4), payload
//
// A record's checksum is CRC-32C over its first 12 bytes and its payload. `run` is a random number of the process that
// wrote it, never shown outside: it is what a reader looks for when it has to find the next good record behind damage,
// and a prompt that holds a forged record does not know it. Kinds and payloads:
//
//   1 begin  length of the head (4), head, bodies: an exchange as records/exchange_bytes.h packs it
//   2 part   length of the id (4), id, usage (six counts of 8 bytes; 1 byte: estimated), bytes of the answer
//   3 end    as begin
//   4 mark   nothing: shows that the disk takes bytes again
//
// A reader passes over kinds that it does not know. A segment of a newer version is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "records/exchange.h"

namespace understudy {

inline constexpr size_t kSegmentHeadBytes = 28;
inline constexpr size_t kRecordHeadBytes = 16;
// More than an exchange can have: bodies of 20 MB, a held-back answer for each of a few attempts.
inline constexpr uint32_t kPayloadAtMost = UINT32_C(256) << 20;

enum class RecordKind : uint8_t { kBegin = 1, kPart = 2, kEnd = 3, kMark = 4 };

struct SegmentHead {
  uint32_t run = 0;  // never 0
  uint64_t number = 0;
  bool operator==(const SegmentHead&) const = default;
};
std::string write_segment_head(const SegmentHead& head);
// Nothing where the bytes are too few or damaged. Throws kInvalidInput for a version that is not known; `name` begins
// the message.
std::optional<SegmentHead> read_segment_head(std::string_view bytes, std::string_view name);

struct RecordHead {
  uint32_t run = 0;
  uint32_t length = 0;  // of the payload
  RecordKind kind = RecordKind::kMark;
  uint32_t checksum = 0;
};
// Nothing where `bytes` does not begin with the head of a record that can be: too few bytes, run 0, too long a payload.
std::optional<RecordHead> read_record_head(std::string_view bytes);
// `bytes`: the whole record, head and payload.
bool checksum_holds(const RecordHead& head, std::string_view bytes);

// Whole records. Throws kTooLarge above kPayloadAtMost.
std::string exchange_record(RecordKind kind, uint32_t run, const Exchange& exchange);
std::string part_record(uint32_t run, std::string_view id, std::string_view bytes, const Usage& usage);
std::string mark_record(uint32_t run);

struct PartPayload {
  std::string id;
  Usage usage;
  std::string_view bytes;  // of the payload
};
// Throw kInvalidInput for a payload that is none.
Exchange read_exchange_payload(std::string_view payload);
PartPayload read_part_payload(std::string_view payload);

}  // namespace understudy
