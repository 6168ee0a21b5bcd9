// SPDX-License-Identifier: Apache-2.0
#include "common/io/tls_failure.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "absl/strings/str_cat.h"

namespace pmem {

void TlsFailure::Watch(boost::asio::ssl::context& context) {
  // Not a verify callback: cpprestsdk sets its own on each connection.
  SSL_CTX_set_cert_verify_callback(context.native_handle(), &TlsFailure::Verify, this);
}

int TlsFailure::Verify(X509_STORE_CTX* chain, void* self) {
  const int verdict = X509_verify_cert(chain);
  if (verdict <= 0) static_cast<TlsFailure*>(self)->refused_ = X509_STORE_CTX_get_error(chain);
  return verdict;
}

std::string TlsFailure::Explain(int code) const {
  const auto number = static_cast<unsigned long>(code);
  if (code <= 0 || ERR_GET_LIB(number) != ERR_LIB_SSL) return "";
  const char* const reason = ERR_reason_error_string(number);
  if (reason == nullptr) return absl::StrCat("error ", code, " of OpenSSL");
  if (ERR_GET_REASON(number) != SSL_R_CERTIFICATE_VERIFY_FAILED) return reason;
  // The chain is good, and cpprestsdk, who looks at the name, says no without a number.
  if (refused_ == X509_V_ERR_UNSPECIFIED) {
    return absl::StrCat(reason, ": it is not for the name that was asked for");
  }
  return absl::StrCat(reason, ": ", X509_verify_cert_error_string(refused_));
}

}  // namespace pmem
