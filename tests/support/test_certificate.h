// A self-signed certificate for 127.0.0.1 and localhost with its key, made anew for a test.
#pragma once

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "base/error.h"

namespace understudy::testing {

// Writes both in PEM.
inline void make_certificate(const std::filesystem::path& certificate, const std::filesystem::path& private_key,
                             const std::string& name = "localhost") {
  constexpr long kDay = 24L * 3600;
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* made = X509_new();
  CHECK(key != nullptr && made != nullptr, "OpenSSL makes a key");
  X509_set_version(made, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
  X509_gmtime_adj(X509_getm_notBefore(made), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(made), kDay);
  X509_set_pubkey(made, key);
  X509_NAME* subject = X509_get_subject_name(made);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(made, subject);
  X509V3_CTX context;
  X509V3_set_ctx(&context, made, made, nullptr, nullptr, 0);
  const std::string names = "DNS:" + name + ",IP:127.0.0.1";
  for (const auto& [kind, text] : {std::pair<int, std::string>{NID_subject_alt_name, names},
                                   std::pair<int, std::string>{NID_basic_constraints, "critical,CA:TRUE"}}) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, text.c_str());
    X509_add_ext(made, extension, -1);
    X509_EXTENSION_free(extension);
  }
  CHECK(X509_sign(made, key, EVP_sha256()) > 0, "OpenSSL signs");
  std::FILE* file = std::fopen(certificate.c_str(), "w");
  PEM_write_X509(file, made);
  std::fclose(file);
  file = std::fopen(private_key.c_str(), "w");
  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
  X509_free(made);
  EVP_PKEY_free(key);
}

}  // namespace understudy::testing
