// SPDX-License-Identifier: Apache-2.0
// Makes one CSI call for a test, in JSON: what a kubelet or provisioner would do.
//   csi_call unix:/path csi.v1.Controller/CreateVolume '{"name":"disk-1"}'
// prints {"code":"OK","response":{…}}, or {"code":"RESOURCE_EXHAUSTED","message":"…"}. The exit
// status is 0 for both.
#include <csi.grpc.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <pluginregistration.grpc.pb.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/pure/json_writer.h"

namespace pmem {
namespace {

constexpr std::chrono::seconds kPatience(60);

struct Messages {
  std::unique_ptr<google::protobuf::Message> request;
  std::unique_ptr<google::protobuf::Message> response;
};

// Null messages: there is no such method. "csi.v1.Node/NodeGetInfo"
Messages MessagesOf(std::string method) {
  // Makes sure that both files are linked in.
  csi::v1::ProbeRequest().GetDescriptor();
  pluginregistration::InfoRequest().GetDescriptor();
  method.replace(method.find('/'), 1, ".");
  const auto* const pool = google::protobuf::DescriptorPool::generated_pool();
  const auto* const found = pool->FindMethodByName(method);
  if (found == nullptr) return {};
  auto* const factory = google::protobuf::MessageFactory::generated_factory();
  const auto make = [factory](const google::protobuf::Descriptor* type) {
    return std::unique_ptr<google::protobuf::Message>(factory->GetPrototype(type)->New());
  };
  return {make(found->input_type()), make(found->output_type())};
}

grpc::Status MakeCall(const std::string& endpoint, const std::string& method,
                      const Messages& messages) {
  const auto channel = grpc::CreateChannel(endpoint, grpc::InsecureChannelCredentials());
  grpc::TemplatedGenericStub<google::protobuf::Message, google::protobuf::Message> stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  grpc::CompletionQueue queue;
  const auto call =
      stub.PrepareUnaryCall(&context, absl::StrCat("/", method), *messages.request, &queue);
  call->StartCall();
  grpc::Status status;
  call->Finish(messages.response.get(), &status, nullptr);
  void* tag = nullptr;
  bool is_ok = false;
  queue.Next(&tag, &is_ok);
  return status;
}

const char* CodeName(grpc::StatusCode code) {
  constexpr const char* kNames[] = {"OK",
                                    "CANCELLED",
                                    "UNKNOWN",
                                    "INVALID_ARGUMENT",
                                    "DEADLINE_EXCEEDED",
                                    "NOT_FOUND",
                                    "ALREADY_EXISTS",
                                    "PERMISSION_DENIED",
                                    "RESOURCE_EXHAUSTED",
                                    "FAILED_PRECONDITION",
                                    "ABORTED",
                                    "OUT_OF_RANGE",
                                    "UNIMPLEMENTED",
                                    "INTERNAL",
                                    "UNAVAILABLE",
                                    "DATA_LOSS",
                                    "UNAUTHENTICATED"};
  return kNames[code];
}

int Run(const std::string& endpoint, const std::string& method, const std::string& json) {
  const Messages messages = MessagesOf(method);
  if (messages.request == nullptr ||
      !google::protobuf::util::JsonStringToMessage(json, messages.request.get()).ok()) {
    std::fprintf(stderr, "csi_call: no such method, or a request that is not its JSON\n");
    return 2;
  }
  const grpc::Status status = MakeCall(endpoint, method, messages);
  JsonWriter out;
  out.BeginObject().String("code", CodeName(status.error_code()));
  if (status.ok()) {
    std::string response;
    google::protobuf::util::JsonPrintOptions options;
    options.preserve_proto_field_names = true;
    google::protobuf::util::MessageToJsonString(*messages.response, &response, options).ok();
    out.Raw("response", response);
  } else {
    out.String("message", status.error_message());
  }
  std::printf("%s\n", out.EndObject().Take().c_str());
  return 0;
}

}  // namespace
}  // namespace pmem

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: csi_call unix:/PATH SERVICE/METHOD JSON\n");
    return 2;
  }
  return pmem::Run(argv[1], argv[2], argv[3]);
}
