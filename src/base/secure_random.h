// Bytes from the operating system that nobody can guess: for keys and ids that are secrets. Thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace understudy {

void fill_with_secure_random(std::span<uint8_t> bytes);  // throws kInternal where the system has none
// `length` letters and digits, each of 62 equally likely: 43 of them hold 256 bits.
std::string secure_random_word(size_t length);

}  // namespace understudy
