// SPDX-License-Identifier: Apache-2.0
// Where the API server is and how to show who we are: from a kubeconfig, or from what the kubelet
// gives a pod. The only file that includes yaml-cpp. Files are read at the call; a token file
// (TokenSource) and certificates (reload_tls) are read again later. Thread-safe.
//
// Errors are one line that names the file and what is wrong with it: NotFound, PermissionDenied,
// InvalidArgument (not a kubeconfig), Unimplemented (credential plugins), FailedPrecondition (not
// in a pod).
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/io/http_client.h"

namespace pmem::extender {

inline constexpr int64_t kKubeconfigBytesMax = int64_t{1024} * 1024;

struct KubeConfig {
  std::string server;  // "https://host:6443[/prefix]"
  ClientTls tls;
  std::string token;           // Fixed.
  std::string token_file;      // Or read by path, again and again. Empty: none.
  std::string kube_namespace;  // Of the context, or our own pod's. Empty: not said.
  // Reads `tls` afresh, for it may change while we run. Empty: it is as it is.
  std::function<absl::StatusOr<ClientTls>()> reload_tls;
};

// What a pod has. The values of KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT, and the folder
// with token, ca.crt and namespace.
struct PodEnvironment {
  std::string host;
  std::string port;
  std::string secrets_path = "/var/run/secrets/kubernetes.io/serviceaccount";
};

// Reads the two variables.
PodEnvironment CurrentPodEnvironment();

absl::StatusOr<KubeConfig> LoadKubeconfig(const std::string& path);
absl::StatusOr<KubeConfig> LoadPodConfig(const PodEnvironment& environment);

// The kubeconfig at `path`; empty: the pod's.
absl::StatusOr<KubeConfig> LoadKubeConfig(const std::string& path);

}  // namespace pmem::extender
