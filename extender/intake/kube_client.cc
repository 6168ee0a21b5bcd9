// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/kube_client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/io/mutex.h"
#include "common/pure/absl_view.h"
#include "common/pure/status_macros.h"
#include "extender/core/kube_decode.h"
#include "extender/intake/tls_following_client.h"

namespace pmem::extender {
namespace {

constexpr std::string_view kJson = "application/json";
constexpr int kUnauthorized = 401;

bool IsUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

absl::StatusCode CodeOf(const ApiFailure& failure, int http_status) {
  switch (http_status) {
    case 400:
      return absl::StatusCode::kInvalidArgument;
    case 401:
    case 403:
      return absl::StatusCode::kPermissionDenied;
    case 404:  // A proxy's page is not the API server's word.
      return failure.reason.empty() ? absl::StatusCode::kUnknown : absl::StatusCode::kNotFound;
    case 409:
      return absl::StatusCode::kAborted;
    case 410:
    case 422:
      return absl::StatusCode::kFailedPrecondition;
    case 429:
      return absl::StatusCode::kResourceExhausted;
    default:
      return http_status >= 500 ? absl::StatusCode::kUnavailable : absl::StatusCode::kUnknown;
  }
}

ClientRequest Request(std::string_view method, std::string_view path, absl::Duration deadline) {
  ClientRequest request;
  request.method = method;
  request.path_and_query = path;
  request.body_bytes_max = kObjectBytesMax;
  request.deadline = deadline;
  return request;
}

ClientRequest WithBody(ClientRequest request, std::string body, std::string_view content_type) {
  request.body = std::move(body);
  request.content_type = content_type;
  return request;
}

ApiFailure FailureOf(const ClientResponse& response) {
  ApiFailure failure = DecodeFailure(response.status, response.body);
  const auto header = response.headers.find("retry-after");
  int64_t seconds = 0;
  if (header != response.headers.end() && absl::SimpleAtoi(header->second, &seconds)) {
    failure.retry_after = std::max(failure.retry_after, absl::Seconds(seconds));
  }
  return failure;
}

ApiAnswer AnswerOf(ClientResponse response) {
  ApiAnswer answer;
  answer.code = response.status;
  if (answer.is_ok()) {
    answer.body = std::move(response.body);
  } else {
    answer.failure = FailureOf(response);
  }
  return answer;
}

// What several requests that are under way together are answered.
class AnswerSlots {
 public:
  explicit AnswerSlots(size_t count)
      : responses_(count, absl::UnknownError("not answered")), missing_(count) {}

  void Set(size_t i, absl::StatusOr<ClientResponse> response) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    responses_[i] = std::move(response);
    --missing_;
    changed_.SignalAll();
  }
  std::vector<absl::StatusOr<ClientResponse>> Wait() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    while (missing_ > 0) changed_.WaitWithTimeout(&mu_, absl::Seconds(1));
    return std::move(responses_);
  }

 private:
  Mutex mu_;
  CondVar changed_;
  std::vector<absl::StatusOr<ClientResponse>> responses_ ABSL_GUARDED_BY(mu_);
  size_t missing_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

std::string PercentEncode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    if (IsUnreserved(c)) {
      result.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    result.push_back('%');
    result.push_back(kHex[byte >> 4]);
    result.push_back(kHex[byte & 15]);
  }
  return result;
}

std::string ApiPath(const ApiResource& resource, std::string_view kube_namespace,
                    std::string_view name) {
  std::string path = absl::StrCat("/", AbslView(resource.group_version));
  if (!kube_namespace.empty()) {
    absl::StrAppend(&path, "/namespaces/", PercentEncode(kube_namespace));
  }
  absl::StrAppend(&path, "/", AbslView(resource.plural));
  if (!name.empty()) absl::StrAppend(&path, "/", PercentEncode(name));
  return path;
}

absl::Status ApiAnswer::ToStatus() const {
  if (is_ok()) return absl::OkStatus();
  return absl::Status(CodeOf(failure, code), absl::StrCat("the API server answered ", code, " ",
                                                          failure.reason, ": ", failure.message));
}

absl::StatusOr<std::unique_ptr<KubeClient>> KubeClient::Make(const KubeConfig& config,
                                                             const Clock* clock) {
  const auto make = [&](absl::Duration silence_max) {
    const auto factory = [server = config.server, silence_max](const ClientTls& tls) {
      return HttpClient::Make(server, tls, silence_max);
    };
    if (!config.reload_tls) return factory(config.tls);
    return TlsFollowingClient::Make(config.tls, config.reload_tls, factory, clock);
  };
  PMEM_ASSIGN_OR_RETURN(std::unique_ptr<HttpClient> requests, make(kRequestSilenceMax));
  PMEM_ASSIGN_OR_RETURN(std::unique_ptr<HttpClient> watches, make(kWatchSilenceMax));
  auto tokens = std::make_unique<TokenSource>(config.token, config.token_file, clock);
  return std::make_unique<KubeClient>(std::move(requests), std::move(watches), std::move(tokens));
}

KubeClient::KubeClient(std::unique_ptr<HttpClient> requests, std::unique_ptr<HttpClient> watches,
                       std::unique_ptr<TokenSource> tokens)
    : requests_(std::move(requests)), watches_(std::move(watches)), tokens_(std::move(tokens)) {}

absl::StatusOr<ApiAnswer> KubeClient::Get(std::string_view path, absl::Duration deadline) {
  return Send(Request("GET", path, deadline));
}

std::vector<absl::StatusOr<ApiAnswer>> KubeClient::GetAll(const std::vector<std::string>& paths,
                                                          absl::Duration deadline) {
  std::vector<ClientRequest> requests;
  requests.reserve(paths.size());
  for (const std::string& path : paths) requests.push_back(Request("GET", path, deadline));
  // Shared: the last to set one may still be inside when the waiter goes on.
  const auto slots = std::make_shared<AnswerSlots>(paths.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    if (absl::Status status = Authorize(&requests[i]); !status.ok()) {
      slots->Set(i, std::move(status));
      continue;
    }
    requests_->SendAsync(requests[i], [slots, i](absl::StatusOr<ClientResponse> response) {
      slots->Set(i, std::move(response));
    });
  }
  std::vector<absl::StatusOr<ApiAnswer>> answers;
  answers.reserve(paths.size());
  std::vector<absl::StatusOr<ClientResponse>> responses = slots->Wait();
  for (size_t i = 0; i < requests.size(); ++i) {
    answers.push_back(Finish(std::move(requests[i]), std::move(responses[i])));
  }
  return answers;
}

absl::StatusOr<ApiAnswer> KubeClient::Patch(std::string_view path, std::string body,
                                            std::string_view content_type,
                                            absl::Duration deadline) {
  ClientRequest request = WithBody(Request("PATCH", path, deadline), std::move(body), content_type);
  PMEM_RETURN_IF_ERROR(Authorize(&request));
  PMEM_ASSIGN_OR_RETURN(ClientResponse response, requests_->Send(request));
  // Not once more, as Finish would: what is written to a claim must have been written by its
  // deadline or never. What asks for it asks again.
  if (response.status == kUnauthorized) tokens_->Reject();
  return AnswerOf(std::move(response));
}

absl::StatusOr<ApiAnswer> KubeClient::Create(std::string_view collection_path, std::string body,
                                             absl::Duration deadline) {
  return Send(WithBody(Request("POST", collection_path, deadline), std::move(body), kJson));
}

absl::StatusOr<ApiAnswer> KubeClient::Put(std::string_view path, std::string body,
                                          absl::Duration deadline) {
  return Send(WithBody(Request("PUT", path, deadline), std::move(body), kJson));
}

absl::StatusOr<ApiAnswer> KubeClient::Delete(std::string_view path, std::string options,
                                             absl::Duration deadline) {
  ClientRequest request = Request("DELETE", path, deadline);
  if (options.empty()) return Send(std::move(request));
  return Send(WithBody(std::move(request), std::move(options), kJson));
}

absl::Status KubeClient::Authorize(ClientRequest* request) {
  request->headers["Accept"] = kJson;
  absl::StatusOr<std::string> token = tokens_->Token();
  // Not as it is: a file that is not there is no object that is not there.
  if (!token.ok()) {
    return absl::UnavailableError(
        absl::StrCat("service account token: ", token.status().message()));
  }
  if (!token->empty()) request->headers["Authorization"] = absl::StrCat("Bearer ", *token);
  return absl::OkStatus();
}

absl::StatusOr<ApiAnswer> KubeClient::Send(ClientRequest request) {
  PMEM_RETURN_IF_ERROR(Authorize(&request));
  absl::StatusOr<ClientResponse> response = requests_->Send(request);
  return Finish(std::move(request), std::move(response));
}

absl::StatusOr<ApiAnswer> KubeClient::Finish(ClientRequest request,
                                             absl::StatusOr<ClientResponse> sent) {
  PMEM_ASSIGN_OR_RETURN(ClientResponse response, std::move(sent));
  // A refusal for the token was no attempt: nothing was carried out, so even a POST can go again.
  if (response.status == kUnauthorized && tokens_->Reject()) {
    PMEM_RETURN_IF_ERROR(Authorize(&request));
    PMEM_ASSIGN_OR_RETURN(response, requests_->Send(request));
  }
  return AnswerOf(std::move(response));
}

absl::Status KubeClient::Watch(std::string_view path_and_query, const LineCutter::OnLine& on_line,
                               const StopFlag& stop, ApiFailure* refusal) {
  LineCutter cutter(kWatchLineBytesMax);
  const auto on_block = [&](std::string_view block) { return cutter.Append(block, on_line); };
  ClientRequest request;
  request.path_and_query = path_and_query;
  PMEM_RETURN_IF_ERROR(Stream(std::move(request), on_block, stop, refusal));
  if (!cutter.HasRest()) return absl::OkStatus();
  return absl::UnavailableError("the stream ended in the middle of a line");
}

absl::Status KubeClient::ReadList(std::string_view path_and_query,
                                  const ListCutter::OnItem& on_item, const StopFlag& stop,
                                  std::string* frame, ApiFailure* refusal,
                                  absl::Duration deadline) {
  ListCutter cutter(kObjectBytesMax);
  const auto on_block = [&](std::string_view block) { return cutter.Append(block, on_item); };
  PMEM_RETURN_IF_ERROR(Stream(Request("GET", path_and_query, deadline), on_block, stop, refusal));
  if (refusal->code != 0) return absl::OkStatus();
  PMEM_ASSIGN_OR_RETURN(*frame, cutter.Frame());
  return absl::OkStatus();
}

absl::Status KubeClient::Stream(ClientRequest request, const HttpClient::OnBlock& on_block,
                                const StopFlag& stop, ApiFailure* refusal) {
  *refusal = ApiFailure();
  for (bool is_retry : {false, true}) {
    PMEM_RETURN_IF_ERROR(Authorize(&request));
    ClientResponse response;
    PMEM_RETURN_IF_ERROR(watches_->Stream(request, on_block, stop, &response));
    if (response.status == 0 || response.status == 200) return absl::OkStatus();
    *refusal = FailureOf(response);
    if (is_retry || response.status != kUnauthorized || !tokens_->Reject()) break;
    *refusal = ApiFailure();
  }
  return absl::OkStatus();
}

}  // namespace pmem::extender
