// SPDX-License-Identifier: Apache-2.0
#include "common/io/system_authorities.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdlib>
#include <string>

namespace pmem {
namespace {

std::string& BundlePath() {
  static std::string path;  // Empty: nothing was left out.
  return path;
}

}  // namespace

void LeaveOutSystemAuthorities() {
  if (!BundlePath().empty()) return;
  const char* const named = std::getenv(X509_get_default_cert_file_env());
  BundlePath() = named != nullptr ? named : X509_get_default_cert_file();
  ::setenv(X509_get_default_cert_file_env(), "/dev/null", 1);
}

void TrustSystemAuthorities(SSL_CTX* context) {
  if (BundlePath().empty()) return;
  SSL_CTX_load_verify_file(context, BundlePath().c_str());
  ERR_clear_error();  // That there is none, which the handshake tells.
}

}  // namespace pmem
