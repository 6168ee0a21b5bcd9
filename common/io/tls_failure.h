// SPDX-License-Identifier: Apache-2.0
// Why TLS failed: cpprestsdk says no more than "Error in SSL handshake".
//
// Thread-safe. One for all connections of a client: they verify the same host, so the last reason
// is that of each.
#pragma once

#include <atomic>
#include <boost/asio/ssl/context.hpp>
#include <string>

namespace pmem {

class TlsFailure {
 public:
  // Keeps why certificates are refused on connections of that context. Must outlive them.
  void Watch(boost::asio::ssl::context& context);
  // `code` is an error number that asio gave for one of these connections: "certificate verify
  // failed: certificate has expired". "": it is not about TLS.
  std::string Explain(int code) const;

 private:
  static int Verify(X509_STORE_CTX* chain, void* self);

  std::atomic<int> refused_{X509_V_OK};  // An X509_V_ERR_ number: of the last that was.
};

}  // namespace pmem
