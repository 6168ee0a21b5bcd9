// SPDX-License-Identifier: Apache-2.0
// Requests to the API server: credentials, paths, and answers with the API's own words for what
// went wrong. Thread-safe; every call blocks its thread (never call one on the I/O pool).
//
// A request that the API server refuses is an answer (ApiAnswer with its HTTP status), not an
// error: callers decide what 404, 409, 410 or 422 mean. Errors are those of HttpClient: the request
// may or may not have been carried out. Also Unavailable: no token could be read.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/io/clock.h"
#include "common/io/http_client.h"
#include "common/io/stop_flag.h"
#include "common/pure/line_cutter.h"
#include "common/pure/list_cutter.h"
#include "extender/core/reflector_state.h"
#include "extender/intake/kube_config.h"
#include "extender/intake/token_source.h"

namespace pmem::extender {

// Longest silence in an ordinary answer, and in a watch (a healthy one sends a bookmark a minute).
inline constexpr absl::Duration kRequestSilenceMax = absl::Seconds(30);
inline constexpr absl::Duration kWatchSilenceMax = absl::Seconds(150);

// From the request to the whole answer, unless a caller says otherwise.
inline constexpr absl::Duration kRequestDeadline = absl::Seconds(60);
inline constexpr absl::Duration kListDeadline = absl::Minutes(5);

// One kind of object in the API.
struct ApiResource {
  std::string_view group_version;  // "api/v1", "apis/storage.k8s.io/v1"
  std::string_view plural;         // "nodes"
};

inline constexpr ApiResource kNodesResource{"api/v1", "nodes"};
inline constexpr ApiResource kPodsResource{"api/v1", "pods"};
inline constexpr ApiResource kClaimsResource{"api/v1", "persistentvolumeclaims"};
inline constexpr ApiResource kPersistentVolumesResource{"api/v1", "persistentvolumes"};
inline constexpr ApiResource kEventsResource{"api/v1", "events"};
inline constexpr ApiResource kStorageClassesResource{"apis/storage.k8s.io/v1", "storageclasses"};
inline constexpr ApiResource kStorageCapacitiesResource{"apis/storage.k8s.io/v1",
                                                        "csistoragecapacities"};
inline constexpr ApiResource kLeasesResource{"apis/coordination.k8s.io/v1", "leases"};

// "/api/v1/namespaces/x/pods/db-0". An empty kube_namespace: cluster-scoped, or all of them. An
// empty name: the collection. Every part is percent-encoded.
std::string ApiPath(const ApiResource& resource, std::string_view kube_namespace = {},
                    std::string_view name = {});

// Everything but letters, digits, '-', '.', '_' and '~' as %XX.
std::string PercentEncode(std::string_view text);

struct ApiAnswer {
  int code = 0;        // HTTP status.
  std::string body;    // The object or list, when is_ok().
  ApiFailure failure;  // The API's Status, when not.

  bool is_ok() const { return code >= 200 && code < 300; }
  // OK; or NotFound (404 with a Status of the API server), PermissionDenied (401, 403), Aborted
  // (409: the object changed, or is there already), FailedPrecondition (410, 422), InvalidArgument
  // (400), ResourceExhausted (429), Unavailable (5xx), Unknown; with the API's reason and message.
  absl::Status ToStatus() const;
};

class KubeClient {
 public:
  static absl::StatusOr<std::unique_ptr<KubeClient>> Make(const KubeConfig& config,
                                                          const Clock* clock);

  // `requests` and `watches` speak to the same server and differ in their patience.
  KubeClient(std::unique_ptr<HttpClient> requests, std::unique_ptr<HttpClient> watches,
             std::unique_ptr<TokenSource> tokens);

  absl::StatusOr<ApiAnswer> Get(std::string_view path, absl::Duration deadline = kRequestDeadline);
  // All at once; one answer a path, in their order. As many connections as paths may be open.
  std::vector<absl::StatusOr<ApiAnswer>> GetAll(const std::vector<std::string>& paths,
                                                absl::Duration deadline = kRequestDeadline);
  // `content_type` of a patch: kJsonPatch or kMergePatch. Sent once, as HttpClient does it: a 401,
  // after which the others are sent again with the token of that moment, is an answer.
  absl::StatusOr<ApiAnswer> Patch(std::string_view path, std::string body,
                                  std::string_view content_type,
                                  absl::Duration deadline = kRequestDeadline);
  absl::StatusOr<ApiAnswer> Create(std::string_view collection_path, std::string body,
                                   absl::Duration deadline = kRequestDeadline);
  // The body carries metadata.resourceVersion: 409 when the object has changed since.
  absl::StatusOr<ApiAnswer> Put(std::string_view path, std::string body,
                                absl::Duration deadline = kRequestDeadline);
  // `options`: DeleteOptions with preconditions (409 when one does not hold); empty: none.
  absl::StatusOr<ApiAnswer> Delete(std::string_view path, std::string options = {},
                                   absl::Duration deadline = kRequestDeadline);

  // Reads a watch line by line, see HttpClient::Stream. An answer other than 200 is OK with its
  // failure in *refusal, whose code is otherwise 0. After a 401 the token is read anew and the
  // watch asked for once more. Unavailable: also a stream that ends within a line.
  absl::Status Watch(std::string_view path_and_query, const LineCutter::OnLine& on_line,
                     const StopFlag& stop, ApiFailure* refusal);

  // Reads a list of any length item by item: the same, but that `frame` is then the list without
  // its items (ListCutter::Frame).
  absl::Status ReadList(std::string_view path_and_query, const ListCutter::OnItem& on_item,
                        const StopFlag& stop, std::string* frame, ApiFailure* refusal,
                        absl::Duration deadline = kListDeadline);

 private:
  absl::Status Stream(ClientRequest request, const HttpClient::OnBlock& on_block,
                      const StopFlag& stop, ApiFailure* refusal);
  absl::StatusOr<ApiAnswer> Send(ClientRequest request);
  absl::StatusOr<ApiAnswer> Finish(ClientRequest request, absl::StatusOr<ClientResponse> sent);
  absl::Status Authorize(ClientRequest* request);

  const std::unique_ptr<HttpClient> requests_;
  const std::unique_ptr<HttpClient> watches_;
  const std::unique_ptr<TokenSource> tokens_;
};

inline constexpr std::string_view kJsonPatch = "application/json-patch+json";
inline constexpr std::string_view kMergePatch = "application/merge-patch+json";

// Of one object in an answer.
inline constexpr int64_t kObjectBytesMax = int64_t{8} * 1024 * 1024;

}  // namespace pmem::extender
