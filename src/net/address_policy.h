// Which addresses a request to a provider may go to: the guard against configs and names that point into the own
// network or at a cloud's metadata service. Pure functions.
#pragma once

#include <string>

struct sockaddr;

namespace understudy {

enum class AddressKind {
  kPublic,
  kPrivate,    // this machine and private networks: RFC 1918, carrier-grade NAT, unique-local, loopback
  kForbidden,  // link-local (cloud metadata), multicast, unspecified, reserved, metadata inside unique-local
};

// Of an IPv4 or IPv6 address; of one that carries an IPv4 address inside (mapped, NAT64, 6to4, Teredo is refused
// whole) the kind of that one. Anything but IP is kForbidden.
AddressKind kind_of_address(const sockaddr& address);

// "203.0.113.7" for messages.
std::string address_text(const sockaddr& address);

}  // namespace understudy
