// SPDX-License-Identifier: Apache-2.0
// A TLS server with a certificate that is made for the test, for clients that must say what is
// wrong with it.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

#include "common/io/periodic_task.h"
#include "tests/support/raw_socket.h"

namespace pmem {

// Of a key of its own, signed by that key. For 127.0.0.1, valid for a day, if nothing else is said.
class TestCertificate {
 public:
  struct Options {
    std::string subject_alt_name = "IP:127.0.0.1";
    int64_t begin_seconds = -3600;  // From now.
    int64_t end_seconds = 86400;
  };
  explicit TestCertificate(const Options& options)
      : key_(EVP_EC_gen("P-256"), &EVP_PKEY_free), x509_(X509_new(), &X509_free) {
    X509_set_version(x509_.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x509_.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509_.get()), options.begin_seconds);
    X509_gmtime_adj(X509_getm_notAfter(x509_.get()), options.end_seconds);
    X509_NAME* const name = X509_get_subject_name(x509_.get());
    const auto* const common_name = reinterpret_cast<const unsigned char*>("test");
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0);
    X509_set_issuer_name(x509_.get(), name);
    X509_EXTENSION* const names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name,
                                                      options.subject_alt_name.c_str());
    X509_add_ext(x509_.get(), names, -1);
    X509_EXTENSION_free(names);
    X509_set_pubkey(x509_.get(), key_.get());
    X509_sign(x509_.get(), key_.get(), EVP_sha256());
  }

  EVP_PKEY* key() const { return key_.get(); }
  X509* x509() const { return x509_.get(); }
  std::string Pem() const {
    BIO* const out = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(out, x509_.get());
    char* data = nullptr;
    const auto size = static_cast<size_t>(BIO_get_mem_data(out, &data));
    std::string pem(data, size);
    BIO_free(out);
    return pem;
  }

 private:
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
  std::unique_ptr<X509, decltype(&X509_free)> x509_;
};

// Accepts one connection, reads the head of one request and answers "ok".
class TlsServer {
 public:
  explicit TlsServer(const TestCertificate& certificate)
      : context_(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free), thread_("tls", [this] {
          const AcceptedSocket socket(listener_);
          Serve(socket.fd());
        }) {
    SSL_CTX_use_certificate(context_.get(), certificate.x509());
    SSL_CTX_use_PrivateKey(context_.get(), certificate.key());
  }
  ~TlsServer() { listener_.Shutdown(); }

  std::string url() const { return "https://127.0.0.1:" + std::to_string(listener_.port()); }

 private:
  void Serve(int fd) {
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context_.get()), &SSL_free);
    SSL_set_fd(ssl.get(), fd);
    if (SSL_accept(ssl.get()) != 1) return;
    std::string head;
    for (char c = 0; !head.ends_with("\r\n\r\n") && SSL_read(ssl.get(), &c, 1) == 1;)
      head.push_back(c);
    constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    SSL_write(ssl.get(), kAnswer.data(), static_cast<int>(kAnswer.size()));
    SSL_shutdown(ssl.get());
  }

  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  ListeningSocket listener_;
  Thread thread_;
};

}  // namespace pmem
