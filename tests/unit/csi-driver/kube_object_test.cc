// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/kube_object.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/io/http_server.h"

namespace pmem::driver {
namespace {

// An API server that knows one claim, and refuses some paths.
class KubeObjectTest : public testing::Test {
 protected:
  KubeObjectTest() {
    const auto answer = [this](const std::string& path, int status) {
      server_.Handle("GET", path, [status](const HttpRequest&, Responder respond) {
        respond({.status = status, .body = "{}"});
      });
    };
    answer("/there", 200);
    for (const int status : {401, 403, 404, 500}) {
      answer(absl::StrCat("/", status), status);
    }
    access_.server = absl::StrCat("http://127.0.0.1:", server_.Start("127.0.0.1:0").value_or(0));
    access_.credentials_directory = testing::TempDir() + "/kube-object-XXXXXX";
    EXPECT_NE(mkdtemp(access_.credentials_directory.data()), nullptr);
    for (const char* const name : {"/ca.crt", "/token"}) {
      std::ofstream(access_.credentials_directory + name) << "x";
    }
  }
  ~KubeObjectTest() override {
    server_.Stop();
    std::filesystem::remove_all(access_.credentials_directory);
  }
  absl::StatusCode CodeOf(const std::string& path) {
    return ReadKubeObject(access_, path).status().code();
  }

  HttpServer server_;
  KubeAccess access_;
};

TEST_F(KubeObjectTest, OnlyTheServersWordMeansThatItIsNotThere) {
  EXPECT_EQ(ReadKubeObject(access_, "/there").value_or(""), "{}");
  EXPECT_EQ(CodeOf("/404"), absl::StatusCode::kNotFound);
  for (const char* const path : {"/401", "/403", "/500"}) {
    EXPECT_EQ(CodeOf(path), absl::StatusCode::kUnavailable) << path;
  }
  for (const char* const name : {"/token", "/ca.crt"}) {
    std::filesystem::remove(access_.credentials_directory + name);
    EXPECT_EQ(CodeOf("/there"), absl::StatusCode::kUnavailable) << name;
  }
}

}  // namespace
}  // namespace pmem::driver
