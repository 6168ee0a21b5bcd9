// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/grpc/self_call.h"

#include <csi.grpc.pb.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include "absl/time/clock.h"

namespace pmem::driver {

bool IsAnswering(const std::string& socket_path, absl::Duration patience) {
  grpc::ChannelArguments arguments;
  // The connection ends with the channel.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto channel = grpc::CreateCustomChannel("unix:" + socket_path,
                                                 grpc::InsecureChannelCredentials(), arguments);
  const auto identity = ::csi::v1::Identity::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + patience));
  ::csi::v1::GetPluginInfoResponse response;
  const grpc::Status status = identity->GetPluginInfo(&context, {}, &response);
  return status.ok() || status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED;
}

}  // namespace pmem::driver
