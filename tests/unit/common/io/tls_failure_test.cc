// SPDX-License-Identifier: Apache-2.0
#include "common/io/tls_failure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/io/http_client.h"
#include "common/io/periodic_task.h"
#include "common/io/system_authorities.h"
#include "tests/support/raw_socket.h"
#include "tests/support/tls_server.h"

namespace pmem {
namespace {

constexpr absl::Duration kReadTimeout = absl::Seconds(10);
constexpr char kRefused[] = "Error in SSL handshake: certificate verify failed: ";

absl::StatusOr<ClientResponse> Ask(const std::string& url, const ClientTls& tls) {
  return (*HttpClient::Make(url, tls, kReadTimeout))->Send({.path_and_query = "/x"});
}

struct Case {
  const char* name;
  TestCertificate::Options options;
  bool is_known = true;  // To the client, as an authority.
  std::string why;       // That the client refuses it; "" when it does not.
};

class TlsFailureTest : public testing::TestWithParam<Case> {};

TEST_P(TlsFailureTest, TheStatusSaysWhyTheCertificateWasRefused) {
  const TestCertificate certificate(GetParam().options);
  const TestCertificate other({});
  const TlsServer server(certificate);
  const ClientTls tls = {.ca_pem = GetParam().is_known ? certificate.Pem() : other.Pem()};
  const auto response = Ask(server.url(), tls);
  if (GetParam().why.empty()) {
    ASSERT_EQ(response.status(), absl::OkStatus());
    EXPECT_EQ(response->body, "ok");
    return;
  }
  EXPECT_EQ(response.status(), absl::UnavailableError(absl::StrCat(
                                   "GET ", server.url(), "/x: ", kRefused, GetParam().why)));
}

INSTANTIATE_TEST_SUITE_P(
    Certificates, TlsFailureTest,
    testing::Values(
        Case{.name = "Good"},
        Case{.name = "UnknownAuthority", .is_known = false, .why = "self-signed certificate"},
        Case{.name = "Expired", .options = {.end_seconds = -60}, .why = "certificate has expired"},
        Case{.name = "NotYetValid",
             .options = {.begin_seconds = 3600},
             .why = "certificate is not yet valid"},
        Case{.name = "AnotherName",
             .options = {.subject_alt_name = "DNS:other.example"},
             .why = "it is not for the name that was asked for"}),
    [](const auto& row) { return row.param.name; });

TEST(SystemAuthorities, AreTrustedWhereNobodySaysWhomToTrust) {
  const TestCertificate certificate({});
  const TestCertificate other({});
  const std::string bundle = absl::StrCat(testing::TempDir(), "/bundle-", ::getpid(), ".pem");
  std::ofstream(bundle) << certificate.Pem();
  ::setenv("SSL_CERT_FILE", bundle.c_str(), 1);
  LeaveOutSystemAuthorities();
  EXPECT_STREQ(std::getenv("SSL_CERT_FILE"), "/dev/null");  // What cpprestsdk reads each time.
  EXPECT_EQ(Ask(TlsServer(certificate).url(), {}).status(), absl::OkStatus());
  for (const auto& [shown, ca_pem] :
       {std::pair(&other, std::string()), std::pair(&certificate, other.Pem())}) {
    EXPECT_THAT(Ask(TlsServer(*shown).url(), {.ca_pem = ca_pem}).status().message(),
                testing::HasSubstr("self-signed certificate"));
  }
}

TEST(TlsFailure, AServerWithoutTlsIsToldFromOneWithABadCertificate) {
  const ListeningSocket listener;
  const Thread plain("plain", [&listener] {
    AcceptedSocket socket(listener);
    socket.Send("HTTP/1.1 400 Bad Request\r\n\r\n");
    socket.WaitUntilClientCloses();
  });
  const std::string url = absl::StrCat("https://127.0.0.1:", listener.port());
  EXPECT_EQ(Ask(url, {}).status(),
            absl::UnavailableError(
                absl::StrCat("GET ", url, "/x: Error in SSL handshake: wrong version number")));
}

TEST(TlsFailure, OtherErrorsAreNoneOfTls) {
  const TlsFailure failure;
  for (const int code : {-1, 0, ECONNREFUSED, ECANCELED}) EXPECT_EQ(failure.Explain(code), "");
}

}  // namespace
}  // namespace pmem
