#include "net/address_policy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace understudy {

namespace {

struct Block4 {
  uint32_t base;
  int bits;
  AddressKind kind;
};
constexpr uint32_t ip(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}
// IANA's registry of special-purpose addresses, as far as a provider could be there.
constexpr Block4 kBlocks4[] = {
    {ip(0, 0, 0, 0), 8, AddressKind::kForbidden},      {ip(10, 0, 0, 0), 8, AddressKind::kPrivate},
    {ip(100, 64, 0, 0), 10, AddressKind::kPrivate},    {ip(127, 0, 0, 0), 8, AddressKind::kPrivate},
    {ip(169, 254, 0, 0), 16, AddressKind::kForbidden}, {ip(172, 16, 0, 0), 12, AddressKind::kPrivate},
    {ip(192, 0, 0, 0), 24, AddressKind::kForbidden},   {ip(192, 168, 0, 0), 16, AddressKind::kPrivate},
    {ip(198, 18, 0, 0), 15, AddressKind::kPrivate},    {ip(224, 0, 0, 0), 4, AddressKind::kForbidden},
    {ip(240, 0, 0, 0), 4, AddressKind::kForbidden},
};

AddressKind kind_of(uint32_t address) {
  for (const Block4& block : kBlocks4) {
    if ((address ^ block.base) >> (32 - block.bits) == 0) return block.kind;
  }
  return AddressKind::kPublic;
}

using Bytes6 = std::array<uint8_t, 16>;

uint32_t ip4_at(const Bytes6& bytes, size_t at) {
  return ip(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]);
}

bool begins(const Bytes6& bytes, std::initializer_list<uint8_t> prefix) {
  return std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

AddressKind kind_of(const Bytes6& bytes) {
  constexpr uint8_t kZero = 0;
  const bool is_zero_12 = std::all_of(bytes.begin(), bytes.begin() + 12, [](uint8_t byte) { return byte == kZero; });
  const bool is_zero_10 = std::all_of(bytes.begin(), bytes.begin() + 10, [](uint8_t byte) { return byte == kZero; });
  if (is_zero_12)
    return ip4_at(bytes, 12) == 1 ? AddressKind::kPrivate : AddressKind::kForbidden;            // ::1, ::, ::a.b.c.d
  if (is_zero_10 && bytes[10] == 0xff && bytes[11] == 0xff) return kind_of(ip4_at(bytes, 12));  // ::ffff:a.b.c.d
  if (begins(bytes, {0x00, 0x64, 0xff, 0x9b})) return kind_of(ip4_at(bytes, 12));               // NAT64
  if (begins(bytes, {0x20, 0x02})) return kind_of(ip4_at(bytes, 2));                            // 6to4
  if (begins(bytes, {0x20, 0x01, 0x00, 0x00})) return AddressKind::kForbidden;                  // Teredo
  if (begins(bytes, {0xfd, 0x00, 0x0e, 0xc2})) return AddressKind::kForbidden;                  // EC2's metadata
  if ((bytes[0] & 0xfe) == 0xfc) return AddressKind::kPrivate;                                  // unique-local
  return (bytes[0] & 0xe0) == 0x20 ? AddressKind::kPublic : AddressKind::kForbidden;            // 2000::/3
}

}  // namespace

AddressKind kind_of_address(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in ip4{};
    std::memcpy(&ip4, &address, sizeof ip4);
    return kind_of(ntohl(ip4.sin_addr.s_addr));
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 ip6{};
    std::memcpy(&ip6, &address, sizeof ip6);
    Bytes6 bytes{};
    std::memcpy(bytes.data(), &ip6.sin6_addr, bytes.size());
    return kind_of(bytes);
  }
  return AddressKind::kForbidden;
}

std::string address_text(const sockaddr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* from = nullptr;
  sockaddr_in ip4{};
  sockaddr_in6 ip6{};
  if (address.sa_family == AF_INET) {
    std::memcpy(&ip4, &address, sizeof ip4);
    from = &ip4.sin_addr;
  } else if (address.sa_family == AF_INET6) {
    std::memcpy(&ip6, &address, sizeof ip6);
    from = &ip6.sin6_addr;
  }
  if (from == nullptr || ::inet_ntop(address.sa_family, from, text.data(), text.size()) == nullptr) return "no address";
  return text.data();
}

}  // namespace understudy
