// SPDX-License-Identifier: Apache-2.0
// Sees every call's end, whatever its service.
#pragma once

#include <grpcpp/support/server_interceptor.h>

#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace pmem::driver {

struct EndedCall {
  std::string_view method;  // "CreateVolume"; of the services' own, so bounded in number.
  int code = 0;             // As gRPC counts them.
  absl::Duration took;
};

// Called on the answering thread; cheap and thread-safe.
using OnCallEnded = std::function<void(const EndedCall&)>;

using InterceptorFactories =
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>>;
InterceptorFactories ObserveCalls(OnCallEnded on_ended);

}  // namespace pmem::driver
