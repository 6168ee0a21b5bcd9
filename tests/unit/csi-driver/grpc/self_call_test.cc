// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/grpc/self_call.h"

#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "csi-driver/grpc/identity_service.h"
#include "csi-driver/grpc/server.h"

namespace pmem::driver {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(10);

std::string NewPath(const std::string& name) {
  std::string path = testing::TempDir() + "self_call_" + std::to_string(getpid()) + "_" + name;
  unlink(path.c_str());
  return path;
}

// Takes connections, as a server whose threads all hang still does, and never answers.
class SilentSocket {
 public:
  explicit SilentSocket(const std::string& path)
      : path_(path), fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(fd_, 8), 0);
  }
  ~SilentSocket() {
    close(fd_);
    unlink(path_.c_str());
  }

 private:
  const std::string path_;
  const int fd_;
};

TEST(SelfCall, AServerAnswers) {
  IdentityService identity(nullptr, "1.2.3");
  GrpcServer server({&identity}, [](const EndedCall&) {});
  const std::string path = NewPath("server");
  ASSERT_TRUE(server.Start(path, 0600).ok());
  EXPECT_TRUE(IsAnswering(path, kPatience));
  EXPECT_TRUE(IsAnswering(path, kPatience)) << "again";
  server.Stop(absl::ZeroDuration());
  EXPECT_FALSE(IsAnswering(path, kPatience)) << "nobody serves it";
}

// Keeps whoever calls Probe until it is let go.
class SlowIdentity final : public ::csi::v1::Identity::Service {
 public:
  grpc::Status Probe(grpc::ServerContext*, const ::csi::v1::ProbeRequest*,
                     ::csi::v1::ProbeResponse*) override {
    let_go_.wait();
    return grpc::Status::OK;
  }
  void LetGo() { promise_.set_value(); }

 private:
  std::promise<void> promise_;
  const std::shared_future<void> let_go_{promise_.get_future()};
};

TEST(SelfCall, AServerWhoseThreadsAreAllBusyAnswers) {
  SlowIdentity identity;
  GrpcServer server({&identity}, [](const EndedCall&) {});
  const std::string path = NewPath("busy");
  ASSERT_TRUE(server.Start(path, 0600).ok());
  struct ProbeCall {
    grpc::ClientContext context;
    ::csi::v1::ProbeResponse response;
    grpc::Status status;
    std::unique_ptr<grpc::ClientAsyncResponseReader<::csi::v1::ProbeResponse>> reader;
  };
  const auto stub = ::csi::v1::Identity::NewStub(
      grpc::CreateChannel("unix:" + path, grpc::InsecureChannelCredentials()));
  grpc::CompletionQueue queue;
  std::vector<std::unique_ptr<ProbeCall>> calls;
  for (int i = 0; i < kServerThreadsMax + 1; ++i) {
    ProbeCall& call = *calls.emplace_back(std::make_unique<ProbeCall>());
    call.reader = stub->AsyncProbe(&call.context, {}, &queue);
    call.reader->Finish(&call.response, &call.status, &call);
  }
  void* first = nullptr;
  bool is_ok = false;
  ASSERT_TRUE(queue.Next(&first, &is_ok));
  EXPECT_EQ(static_cast<ProbeCall*>(first)->status.error_code(), grpc::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(IsAnswering(path, kPatience));
  identity.LetGo();
  for (size_t i = 1; i < calls.size(); ++i) EXPECT_TRUE(queue.Next(&first, &is_ok));
}

TEST(SelfCall, WhoTakesTheConnectionAndSaysNothingDoesNotAnswer) {
  const std::string path = NewPath("silent");
  const SilentSocket silent(path);
  EXPECT_FALSE(IsAnswering(path, absl::Milliseconds(200)));
}

}  // namespace
}  // namespace pmem::driver
