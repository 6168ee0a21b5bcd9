// SPDX-License-Identifier: Apache-2.0
// An HttpClient whose authorities and client certificate are read anew while it runs, as a cluster
// changes them under a running pod: at most every kTlsReadPeriod, and soon after a call that did
// not come through. When they have changed, later calls go over a new client; calls that are under
// way, and a watch that is open, go on over the old one.
//
// What cannot be read, or makes no client, changes nothing. Old clients are kept until the end:
// they are as few as rotations. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "common/io/clock.h"
#include "common/io/http_client.h"
#include "common/io/mutex.h"
#include "common/io/stop_flag.h"

namespace pmem::extender {

inline constexpr absl::Duration kTlsReadPeriod = absl::Seconds(50);
// After a failed call.
inline constexpr absl::Duration kTlsReadSpacing = absl::Seconds(1);

class TlsFollowingClient final : public HttpClient {
 public:
  using Load = std::function<absl::StatusOr<ClientTls>()>;
  using Factory = std::function<absl::StatusOr<std::unique_ptr<HttpClient>>(const ClientTls& tls)>;

  // Fails as `factory` does for the first client. `clock` must outlive it.
  static absl::StatusOr<std::unique_ptr<HttpClient>> Make(ClientTls tls, Load load, Factory factory,
                                                          const Clock* clock);

  absl::StatusOr<ClientResponse> Send(const ClientRequest& request) override;
  void SendAsync(const ClientRequest& request, Done done) override;
  absl::Status Stream(const ClientRequest& request, const OnBlock& on_block, const StopFlag& stop,
                      ClientResponse* refusal) override;

 private:
  TlsFollowingClient(std::unique_ptr<HttpClient> first, ClientTls tls, Load load, Factory factory,
                     const Clock* clock);
  HttpClient* Current() ABSL_LOCKS_EXCLUDED(mu_);
  void Note(const absl::Status& outcome) ABSL_LOCKS_EXCLUDED(mu_);

  Mutex mu_;
  std::vector<std::unique_ptr<HttpClient>> clients_ ABSL_GUARDED_BY(mu_);  // The last is used.
  ClientTls tls_ ABSL_GUARDED_BY(mu_);
  absl::Time read_at_ ABSL_GUARDED_BY(mu_);
  bool is_doubtful_ ABSL_GUARDED_BY(mu_) = false;
  const Load load_;
  const Factory factory_;
  const Clock* const clock_;
};

}  // namespace pmem::extender
