// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/grpc/server.h"

#include <grpc/support/log.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "absl/time/clock.h"
#include "capacity-agent/device/errno_status.h"
#include "common/io/log.h"

namespace pmem::driver {
namespace {

// gRPC's own lines become events of our log.
void WriteLog(gpr_log_func_args* args) {
  if (args->severity == GPR_LOG_SEVERITY_ERROR) {
    LogWarning("grpc", args->message, {{"file", args->file}, {"line", args->line}});
  } else {
    LogDebug("grpc", args->message, {{"file", args->file}, {"line", args->line}});
  }
}

}  // namespace

GrpcServer::GrpcServer(std::vector<grpc::Service*> services, OnCallEnded on_call_ended)
    : services_(std::move(services)), on_call_ended_(std::move(on_call_ended)) {}

GrpcServer::~GrpcServer() { Stop(absl::ZeroDuration()); }

absl::Status GrpcServer::Start(const std::string& socket_path, mode_t mode) {
  gpr_set_log_function(WriteLog);
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + socket_path, grpc::InsecureServerCredentials());
  builder.SetResourceQuota(grpc::ResourceQuota("calls").SetMaxThreads(kServerThreadsMax));
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
  builder.experimental().SetInterceptorCreators(ObserveCalls(on_call_ended_));
  for (grpc::Service* const service : services_) builder.RegisterService(service);
  // Nobody else may connect, not even for the moment before chmod.
  const mode_t before = umask(0177);
  server_ = builder.BuildAndStart();
  umask(before);
  if (server_ == nullptr) return absl::UnavailableError("cannot listen on " + socket_path);
  if (chmod(socket_path.c_str(), mode) != 0) return agent::ErrnoStatus(errno, socket_path);
  return absl::OkStatus();
}

void GrpcServer::Stop(absl::Duration patience) {
  if (server_ == nullptr) return;
  server_->Shutdown(absl::ToChronoTime(absl::Now() + patience));
  server_->Wait();
  server_.reset();
}

}  // namespace pmem::driver
