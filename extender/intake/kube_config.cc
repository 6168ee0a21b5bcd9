// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/kube_config.h"

#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <exception>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/io/files.h"
#include "common/pure/absl_view.h"
#include "common/pure/status_macros.h"

namespace pmem::extender {
namespace {

// One node of the document with its place in it, for messages. Yields Status instead of throwing
// for what is absent or of the wrong kind.
class Field {
 public:
  Field(const YAML::Node& node, std::string place) : node_(node), place_(std::move(place)) {}

  bool is_absent() const { return !node_.IsDefined() || node_.IsNull(); }
  const std::string& place() const { return place_; }

  absl::StatusOr<Field> Member(const std::string& name) const {
    if (is_absent()) return Field(YAML::Node(YAML::NodeType::Undefined), Place(name));
    if (!node_.IsMap()) return absl::InvalidArgumentError(absl::StrCat(place_, " is not a map"));
    return Field(node_[name], Place(name));
  }

  // Empty when absent.
  absl::StatusOr<std::string> Text(const std::string& name) const {
    PMEM_ASSIGN_OR_RETURN(const Field member, Member(name));
    if (member.is_absent()) return std::string();
    if (!member.node_.IsScalar()) {
      return absl::InvalidArgumentError(absl::StrCat(member.place_, " is not a text"));
    }
    return member.node_.Scalar();
  }

  // The entry of the list `list` that has `name`, and its member `content`.
  absl::StatusOr<Field> Named(const std::string& list, const std::string& name,
                              const std::string& content) const {
    PMEM_ASSIGN_OR_RETURN(const Field entries, Member(list));
    for (size_t i = 0;
         !entries.is_absent() && entries.node_.IsSequence() && i < entries.node_.size(); ++i) {
      const Field entry(entries.node_[i], absl::StrCat(entries.place_, "[", i, "]"));
      PMEM_ASSIGN_OR_RETURN(const std::string entry_name, entry.Text("name"));
      if (entry_name == name) return entry.Member(content);
    }
    return absl::InvalidArgumentError(absl::StrCat(list, " has no entry \"", name, "\""));
  }

 private:
  std::string Place(const std::string& name) const {
    return place_.empty() ? name : absl::StrCat(place_, ".", name);
  }

  YAML::Node node_;
  std::string place_;
};

std::string Folder(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash + 1);
}

std::string Resolve(const std::string& folder, const std::string& path) {
  return path.empty() || path[0] == '/' ? path : folder + path;
}

// <name>-data (base64) wins over the file <name>, as in client-go.
absl::StatusOr<std::string> Material(const Field& field, const std::string& name,
                                     const std::string& folder) {
  PMEM_ASSIGN_OR_RETURN(const std::string data, field.Text(name + "-data"));
  if (!data.empty()) {
    std::string decoded;
    if (!absl::Base64Unescape(data, &decoded)) {
      return absl::InvalidArgumentError(
          absl::StrCat(field.place(), ".", name, "-data is not base64"));
    }
    return decoded;
  }
  PMEM_ASSIGN_OR_RETURN(const std::string path, field.Text(name));
  if (path.empty()) return std::string();
  absl::StatusOr<std::string> content = ReadFile(Resolve(folder, path), kKubeconfigBytesMax);
  if (!content.ok()) return Annotate(content.status(), absl::StrCat(field.place(), ".", name));
  return content;
}

absl::Status ReadCluster(const Field& cluster, const std::string& folder, KubeConfig* config) {
  PMEM_ASSIGN_OR_RETURN(config->server, cluster.Text("server"));
  if (config->server.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(cluster.place(), ".server is missing"));
  }
  PMEM_ASSIGN_OR_RETURN(config->tls.ca_pem, Material(cluster, "certificate-authority", folder));
  PMEM_ASSIGN_OR_RETURN(config->tls.server_name, cluster.Text("tls-server-name"));
  PMEM_ASSIGN_OR_RETURN(const std::string insecure, cluster.Text("insecure-skip-tls-verify"));
  if (!insecure.empty() && insecure != "true" && insecure != "false") {
    return absl::InvalidArgumentError(
        absl::StrCat(cluster.place(), ".insecure-skip-tls-verify is neither true nor false"));
  }
  config->tls.insecure = insecure == "true";
  return absl::OkStatus();
}

absl::Status RefusePlugins(const Field& user) {
  for (const char* plugin : {"exec", "auth-provider"}) {
    PMEM_ASSIGN_OR_RETURN(const Field member, user.Member(plugin));
    if (!member.is_absent()) {
      return absl::UnimplementedError(
          absl::StrCat(member.place(), ": credential plugins are not supported; use a token, a ",
                       "token file or a client certificate"));
    }
  }
  PMEM_ASSIGN_OR_RETURN(const Field username, user.Member("username"));
  if (username.is_absent()) return absl::OkStatus();
  return absl::UnimplementedError(
      absl::StrCat(username.place(), ": the API server knows no passwords"));
}

absl::Status ReadUser(const Field& user, const std::string& folder, KubeConfig* config) {
  PMEM_RETURN_IF_ERROR(RefusePlugins(user));
  PMEM_ASSIGN_OR_RETURN(config->tls.certificate_pem, Material(user, "client-certificate", folder));
  PMEM_ASSIGN_OR_RETURN(config->tls.key_pem, Material(user, "client-key", folder));
  if (config->tls.certificate_pem.empty() != config->tls.key_pem.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(user.place(), ": client-certificate and client-key only work together"));
  }
  PMEM_ASSIGN_OR_RETURN(config->token, user.Text("token"));
  PMEM_ASSIGN_OR_RETURN(const std::string token_file, user.Text("tokenFile"));
  // The file wins, as in client-go: it is the one that is kept fresh.
  config->token_file = Resolve(folder, token_file);
  if (!config->token_file.empty()) config->token.clear();
  return absl::OkStatus();
}

absl::StatusOr<KubeConfig> ReadDocument(const std::string& text, const std::string& folder) {
  const Field root(YAML::Load(text), "");
  PMEM_ASSIGN_OR_RETURN(const std::string current, root.Text("current-context"));
  if (current.empty()) return absl::InvalidArgumentError("current-context is missing");
  PMEM_ASSIGN_OR_RETURN(const Field context, root.Named("contexts", current, "context"));
  KubeConfig config;
  PMEM_ASSIGN_OR_RETURN(config.kube_namespace, context.Text("namespace"));
  PMEM_ASSIGN_OR_RETURN(const std::string cluster_name, context.Text("cluster"));
  PMEM_ASSIGN_OR_RETURN(const Field cluster, root.Named("clusters", cluster_name, "cluster"));
  PMEM_RETURN_IF_ERROR(ReadCluster(cluster, folder, &config));
  PMEM_ASSIGN_OR_RETURN(const std::string user_name, context.Text("user"));
  if (user_name.empty()) return config;
  PMEM_ASSIGN_OR_RETURN(const Field user, root.Named("users", user_name, "user"));
  PMEM_RETURN_IF_ERROR(ReadUser(user, folder, &config));
  return config;
}

std::string OneLine(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return text;
}

}  // namespace

PodEnvironment CurrentPodEnvironment() {
  PodEnvironment environment;
  if (const char* host = std::getenv("KUBERNETES_SERVICE_HOST")) environment.host = host;
  if (const char* port = std::getenv("KUBERNETES_SERVICE_PORT")) environment.port = port;
  return environment;
}

absl::StatusOr<KubeConfig> LoadKubeconfig(const std::string& path) {
  const std::string context = absl::StrCat("kubeconfig ", path);
  absl::StatusOr<std::string> text = ReadFile(path, kKubeconfigBytesMax);
  if (!text.ok()) return Annotate(text.status(), "kubeconfig");
  try {
    absl::StatusOr<KubeConfig> config = ReadDocument(*text, Folder(path));
    if (!config.ok()) return Annotate(config.status(), context);
    return config;
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(context, ": ", OneLine(error.what())));
  }
}

absl::StatusOr<KubeConfig> LoadPodConfig(const PodEnvironment& environment) {
  if (environment.host.empty() || environment.port.empty()) {
    return absl::FailedPreconditionError(
        "not in a pod (KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set), and no "
        "kubeconfig was given");
  }
  KubeConfig config;
  const bool is_ipv6 = environment.host.find(':') != std::string::npos;
  config.server = absl::StrCat("https://", is_ipv6 ? "[" : "", environment.host, is_ipv6 ? "]" : "",
                               ":", environment.port);
  config.token_file = environment.secrets_path + "/token";
  PMEM_RETURN_IF_ERROR(ReadFile(config.token_file, kKubeconfigBytesMax).status());
  PMEM_ASSIGN_OR_RETURN(config.tls.ca_pem,
                        ReadFile(environment.secrets_path + "/ca.crt", kKubeconfigBytesMax));
  const absl::StatusOr<std::string> kube_namespace =
      ReadFile(environment.secrets_path + "/namespace", kKubeconfigBytesMax);
  if (kube_namespace.ok()) {
    config.kube_namespace = std::string(absl::StripAsciiWhitespace(*kube_namespace));
  }
  return config;
}

absl::StatusOr<KubeConfig> LoadKubeConfig(const std::string& path) {
  absl::StatusOr<KubeConfig> config =
      path.empty() ? LoadPodConfig(CurrentPodEnvironment()) : LoadKubeconfig(path);
  if (!config.ok()) return config;
  config->reload_tls = [path]() -> absl::StatusOr<ClientTls> {
    PMEM_ASSIGN_OR_RETURN(KubeConfig again, LoadKubeConfig(path));
    return std::move(again.tls);
  };
  return config;
}

}  // namespace pmem::extender
