// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/kube_config.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <ostream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace pmem::extender {
namespace {

// A folder of its own for each test, removed with what the tests put there.
class KubeConfigTest : public ::testing::Test {
 protected:
  KubeConfigTest() {
    std::string pattern = ::testing::TempDir() + "kube_config_XXXXXX";
    folder_ = std::string(mkdtemp(pattern.data())) + "/";
  }
  ~KubeConfigTest() override {
    for (const char* name :
         {"config", "token", "ca.crt", "namespace", "client.crt", "client.key"}) {
      unlink((folder_ + name).c_str());
    }
    rmdir(folder_.c_str());
  }
  void Write(const std::string& name, std::string_view text) {
    std::ofstream(folder_ + name, std::ios::trunc) << text;
  }
  absl::StatusOr<KubeConfig> Load(std::string_view text) {
    Write("config", text);
    return LoadKubeconfig(folder_ + "config");
  }

  std::string folder_;
};

constexpr std::string_view kHead = R"(apiVersion: v1
kind: Config
current-context: c
contexts: [{name: other, context: {cluster: o, user: o}}, {name: c, context: {cluster: k, user: u, namespace: x}}]
)";

std::string WithParts(std::string_view cluster, std::string_view user) {
  return absl::StrCat(std::string(kHead), "clusters: [{name: k, cluster: ", std::string(cluster),
                      "}]\nusers: [{name: u, user: ", std::string(user), "}]\n");
}

TEST_F(KubeConfigTest, TokenAndInlineAuthority) {
  const absl::StatusOr<KubeConfig> config =
      Load(WithParts("{server: 'https://h:6443', certificate-authority-data: Q0E=, "
                     "tls-server-name: kube}",
                     "{token: t}"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server, "https://h:6443");
  EXPECT_EQ(config->tls.ca_pem, "CA");
  EXPECT_EQ(config->tls.server_name, "kube");
  EXPECT_FALSE(config->tls.insecure);
  EXPECT_EQ(config->token, "t");
  EXPECT_EQ(config->token_file, "");
  EXPECT_EQ(config->kube_namespace, "x");
}

TEST_F(KubeConfigTest, RelativeFilesAreBesideTheKubeconfig) {
  Write("ca.crt", "CA");
  Write("client.crt", "CERT");
  Write("client.key", "KEY");
  const absl::StatusOr<KubeConfig> config =
      Load(WithParts("{server: s, certificate-authority: ca.crt}",
                     "{client-certificate: client.crt, client-key: client.key, token: t, "
                     "tokenFile: token}"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->tls.ca_pem, "CA");
  EXPECT_EQ(config->tls.certificate_pem, "CERT");
  EXPECT_EQ(config->tls.key_pem, "KEY");
  EXPECT_EQ(config->token_file, folder_ + "token");
  EXPECT_EQ(config->token, "") << "the file is the one that is kept fresh";
}

TEST_F(KubeConfigTest, InlineDataWinsOverFiles) {
  const absl::StatusOr<KubeConfig> config = Load(WithParts(
      "{server: s, insecure-skip-tls-verify: true}",
      "{client-certificate: nowhere, client-certificate-data: QQ==, client-key-data: Qg==}"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(config->tls.insecure);
  EXPECT_EQ(config->tls.certificate_pem, "A");
  EXPECT_EQ(config->tls.key_pem, "B");
}

TEST_F(KubeConfigTest, AUserIsNotNeeded) {
  EXPECT_TRUE(Load(R"({current-context: c, contexts: [{name: c, context: {cluster: k}}],
                       clusters: [{name: k, cluster: {server: 'http://h:1'}}]})")
                  .ok());
}

TEST_F(KubeConfigTest, EveryMistakeIsOneLineThatSaysWhere) {
  struct Case {
    std::string text;
    absl::StatusCode code;
    const char* says;
  };
  const Case cases[] = {
      {"", absl::StatusCode::kInvalidArgument, "current-context"},
      {"just text", absl::StatusCode::kInvalidArgument, "not a map"},
      {"a: [b", absl::StatusCode::kInvalidArgument, "config: "},
      {"current-context: c", absl::StatusCode::kInvalidArgument, "contexts has no entry \"c\""},
      {std::string(kHead), absl::StatusCode::kInvalidArgument, "clusters has no entry \"k\""},
      {WithParts("{}", "{}"), absl::StatusCode::kInvalidArgument, "clusters[0].cluster.server"},
      {WithParts("[]", "{}"), absl::StatusCode::kInvalidArgument, "clusters[0].cluster"},
      {WithParts("{server: [s]}", "{}"), absl::StatusCode::kInvalidArgument, "not a text"},
      {WithParts("{server: s, certificate-authority-data: '!'}", "{}"),
       absl::StatusCode::kInvalidArgument, "not base64"},
      {WithParts("{server: s, certificate-authority: nowhere}", "{}"), absl::StatusCode::kNotFound,
       "certificate-authority"},
      {WithParts("{server: s, insecure-skip-tls-verify: maybe}", "{}"),
       absl::StatusCode::kInvalidArgument, "insecure-skip-tls-verify"},
      {WithParts("{server: s}", "{client-key-data: QQ==}"), absl::StatusCode::kInvalidArgument,
       "only work together"},
      {WithParts("{server: s}", "{exec: {command: aws}}"), absl::StatusCode::kUnimplemented,
       "exec"},
      {WithParts("{server: s}", "{auth-provider: {name: gcp}}"), absl::StatusCode::kUnimplemented,
       "auth-provider"},
      {WithParts("{server: s}", "{username: u, password: p}"), absl::StatusCode::kUnimplemented,
       "username"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const absl::Status status = Load(c.text).status();
    EXPECT_EQ(status.code(), c.code) << status;
    EXPECT_TRUE(absl::StrContains(std::string(status.message()), c.says)) << status;
    EXPECT_EQ(status.message().find('\n'), absl::string_view::npos);
  }
}

TEST_F(KubeConfigTest, AMissingFileIsNamed) {
  const absl::Status status = LoadKubeConfig(folder_ + "config").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(absl::StrContains(std::string(status.message()), folder_ + "config")) << status;
}

TEST_F(KubeConfigTest, APodKnowsItsServerFromItsEnvironment) {
  Write("token", "t");
  Write("ca.crt", "CA");
  Write("namespace", "pmem\n");
  const absl::StatusOr<KubeConfig> config =
      LoadPodConfig({.host = "10.0.0.1", .port = "443", .secrets_path = folder_});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server, "https://10.0.0.1:443");
  EXPECT_EQ(config->tls.ca_pem, "CA");
  EXPECT_EQ(config->token_file, folder_ + "/token");
  EXPECT_EQ(config->kube_namespace, "pmem");
  EXPECT_EQ(LoadPodConfig({.host = "fd00::1", .port = "443", .secrets_path = folder_})->server,
            "https://[fd00::1]:443");
}

TEST_F(KubeConfigTest, OutsideAPodWithoutKubeconfigIsSaidClearly) {
  EXPECT_EQ(LoadPodConfig({}).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(LoadPodConfig({.host = "h", .port = "1", .secrets_path = folder_}).status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace pmem::extender
