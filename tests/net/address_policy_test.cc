#include "net/address_policy.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace understudy {
namespace {

AddressKind kind_of(const char* text) {
  sockaddr_in ip4{};
  ip4.sin_family = AF_INET;
  if (::inet_pton(AF_INET, text, &ip4.sin_addr) == 1) return kind_of_address(reinterpret_cast<const sockaddr&>(ip4));
  sockaddr_in6 ip6{};
  ip6.sin6_family = AF_INET6;
  EXPECT_EQ(::inet_pton(AF_INET6, text, &ip6.sin6_addr), 1) << text;
  return kind_of_address(reinterpret_cast<const sockaddr&>(ip6));
}

TEST(AddressPolicy, KnowsPublicAddresses) {
  for (const char* text : {"1.1.1.1", "172.15.0.1", "172.32.0.1", "169.253.1.1", "192.167.0.1", "223.255.255.255",
                           "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"}) {
    EXPECT_EQ(kind_of(text), AddressKind::kPublic) << text;
  }
}

TEST(AddressPolicy, KnowsThisMachineAndPrivateNetworks) {
  for (const char* text :
       {"127.0.0.1", "127.8.9.1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.20", "100.64.0.1", "::1",
        "fc00::1", "fd12:3456::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::"}) {
    EXPECT_EQ(kind_of(text), AddressKind::kPrivate) << text;
  }
}

TEST(AddressPolicy, KnowsWhatNobodyMayAsk) {
  for (const char* text : {"169.254.169.254", "0.0.0.0", "224.0.0.1", "255.255.255.255", "fe80::1", "ff02::1",
                           "::", "fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1",
                           "2001:0:4136:e378:8000:63bf:3fff:fdd2", "::a9fe:a9fe"}) {
    EXPECT_EQ(kind_of(text), AddressKind::kForbidden) << text;
  }
  sockaddr other{};
  other.sa_family = AF_UNIX;
  EXPECT_EQ(kind_of_address(other), AddressKind::kForbidden);
}

}  // namespace
}  // namespace understudy
