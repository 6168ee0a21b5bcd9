// SPDX-License-Identifier: Apache-2.0
// The gRPC server on a unix socket.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "csi-driver/grpc/call_observer.h"

namespace grpc {
class Server;
class Service;
}  // namespace grpc

namespace pmem::driver {

// Of a unix socket's path; the kernel's own limit.
inline constexpr int kSocketPathBytesMax = 107;
// external-provisioner alone calls with up to 100 threads. Past it gRPC says RESOURCE_EXHAUSTED,
// which a provisioner takes for a full node: it is not to be reached.
inline constexpr int kServerThreadsMax = 512;

class GrpcServer {
 public:
  // `services` outlive the server.
  GrpcServer(std::vector<grpc::Service*> services, OnCallEnded on_call_ended);
  ~GrpcServer();  // Stops.

  // A socket that an earlier process left is replaced. Unavailable when the path cannot be used.
  absl::Status Start(const std::string& socket_path, mode_t mode);
  // Calls under way have `patience` to end; then they are cancelled, and those that do not notice
  // are waited for all the same: see EndWithin. Removes the socket. Idempotent.
  void Stop(absl::Duration patience);

 private:
  const std::vector<grpc::Service*> services_;
  const OnCallEnded on_call_ended_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace pmem::driver
