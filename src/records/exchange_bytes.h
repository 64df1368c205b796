// An Exchange as bytes, for the segment log and the store: every byte of every text comes back, whatever it is, and it
// costs a copy, not a JSON writer. A field is a number, a length and its bytes, so that an older program passes over
// what a newer one has added. Pure functions, thread-safe; reading is safe on any bytes.
#pragma once

#include <string>
#include <string_view>

#include "records/exchange.h"

namespace understudy {

// Bodies apart: they are most of the bytes, and are read and forgotten on their own.
struct PackedExchange {
  std::string head;
  std::string bodies;  // request, answer, and the attempts' answers; empty where all are
};
PackedExchange pack(const Exchange& exchange);
// Without `bodies` (empty) the exchange has none. Throws kInvalidInput for bytes that pack() does not write.
Exchange unpack(std::string_view head, std::string_view bodies);

// Both in one piece.
std::string to_bytes(const Exchange& exchange);
Exchange exchange_from_bytes(std::string_view bytes);

}  // namespace understudy
