// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/kube_object.h"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/io/files.h"
#include "common/io/http_client.h"
#include "common/pure/status_macros.h"

namespace pmem::driver {
namespace {

constexpr int64_t kCredentialBytesMax = int64_t{1} << 20;
// A Node with many images and conditions has some 50 KiB.
constexpr int64_t kObjectBytesMax = int64_t{8} << 20;
constexpr int kOk = 200;
constexpr int kNotFound = 404;

absl::StatusOr<std::string> ServerOfPod() {
  const char* const host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* const port = std::getenv("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || port == nullptr) {
    return absl::FailedPreconditionError(
        "no --api-server, and no KUBERNETES_SERVICE_HOST and _PORT as in a pod");
  }
  const std::string name = host;
  const bool is_ipv6 = name.find(':') != std::string::npos;
  return absl::StrCat("https://", is_ipv6 ? "[" : "", name, is_ipv6 ? "]" : "", ":", port);
}

absl::Status StatusOf(const ClientResponse& response, const std::string& path) {
  if (response.status == kOk) return absl::OkStatus();
  const std::string text = absl::StrCat("GET ", path, ": the API server answers ", response.status);
  return response.status == kNotFound ? absl::NotFoundError(text) : absl::UnavailableError(text);
}

absl::StatusOr<ClientResponse> Ask(const std::string& server, const std::string& directory,
                                   const std::string& path, absl::Duration patience) {
  ClientTls tls;
  PMEM_ASSIGN_OR_RETURN(tls.ca_pem, ReadFile(directory + "/ca.crt", kCredentialBytesMax));
  PMEM_ASSIGN_OR_RETURN(std::string token, ReadFile(directory + "/token", kCredentialBytesMax));
  absl::StripAsciiWhitespace(&token);
  PMEM_ASSIGN_OR_RETURN(const auto client, HttpClient::Make(server, tls, patience));
  return client->Send(
      {.path_and_query = path,
       .headers = {{"Authorization", "Bearer " + token}, {"Accept", "application/json"}},
       .body_bytes_max = kObjectBytesMax,
       .deadline = patience});
}

}  // namespace

absl::StatusOr<std::string> ReadKubeObject(const KubeAccess& access, const std::string& path,
                                           absl::Duration patience) {
  std::string server = access.server;
  if (server.empty()) {
    PMEM_ASSIGN_OR_RETURN(server, ServerOfPod());
  }
  auto response = Ask(server, access.credentials_directory, path, patience);
  // A token that is not there is no object that is not there, and an answer that is too long no
  // device that is full.
  if (!response.ok()) {
    return absl::UnavailableError(absl::StrCat("GET ", path, ": ", response.status().message()));
  }
  PMEM_RETURN_IF_ERROR(StatusOf(*response, path));
  return std::move(response->body);
}

}  // namespace pmem::driver
