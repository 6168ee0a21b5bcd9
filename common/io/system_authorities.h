// SPDX-License-Identifier: Apache-2.0
// Whom the machine trusts, where nobody says whom to trust.
#pragma once

#include <openssl/ossl_typ.h>

namespace pmem {

// cpprestsdk reads the machine's bundle of authorities anew for each connection by TLS, 60 ms of a
// processor with the some 140 of Debian, also where the authority is given and they are thrown
// away. From now on OpenSSL finds none, by SSL_CERT_FILE, which children inherit; where they are
// needed we read them. First thing in main, before threads exist.
void LeaveOutSystemAuthorities();

// Has `context` trust them: the file that SSL_CERT_FILE named at the call above, or OpenSSL's own.
// (OpenSSL's directory, SSL_CERT_DIR, costs nothing before it is asked, and is not left out.)
// Nothing happens where that was not called: OpenSSL has read them. Thread-safe for contexts of one
// thread each.
void TrustSystemAuthorities(SSL_CTX* context);

}  // namespace pmem
