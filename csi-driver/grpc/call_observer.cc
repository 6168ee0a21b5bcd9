// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/grpc/call_observer.h"

#include <grpcpp/support/status.h>

#include "common/io/clock.h"

namespace pmem::driver {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

// "/csi.v1.Node/NodeGetInfo" -> "NodeGetInfo"
std::string_view LastPart(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// Lives as long as its call.
class Observer final : public Interceptor {
 public:
  Observer(const ServerRpcInfo* info, const OnCallEnded* on_ended)
      : info_(info), on_ended_(on_ended), began_(RealClock().SteadyNow()) {}

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      (*on_ended_)({.method = LastPart(info_->method()),
                    .code = methods->GetSendStatus().error_code(),
                    .took = RealClock().SteadyNow() - began_});
    }
    methods->Proceed();
  }

 private:
  const ServerRpcInfo* const info_;
  const OnCallEnded* const on_ended_;
  const absl::Time began_;
};

class Factory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit Factory(OnCallEnded on_ended) : on_ended_(std::move(on_ended)) {}
  // gRPC takes the interceptor.
  Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    return std::make_unique<Observer>(info, &on_ended_).release();
  }

 private:
  const OnCallEnded on_ended_;
};

}  // namespace

InterceptorFactories ObserveCalls(OnCallEnded on_ended) {
  InterceptorFactories factories;
  factories.push_back(std::make_unique<Factory>(std::move(on_ended)));
  return factories;
}

}  // namespace pmem::driver
