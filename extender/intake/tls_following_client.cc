// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/tls_following_client.h"

#include <tuple>
#include <utility>

#include "common/io/log.h"
#include "common/pure/status_macros.h"

namespace pmem::extender {
namespace {

constexpr std::string_view kComponent = "kube";

bool IsSame(const ClientTls& a, const ClientTls& b) {
  const auto all = [](const ClientTls& tls) {
    return std::tie(tls.ca_pem, tls.certificate_pem, tls.key_pem, tls.server_name, tls.insecure);
  };
  return all(a) == all(b);
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpClient>> TlsFollowingClient::Make(ClientTls tls, Load load,
                                                                     Factory factory,
                                                                     const Clock* clock) {
  PMEM_ASSIGN_OR_RETURN(std::unique_ptr<HttpClient> first, factory(tls));
  // Not make_unique: the constructor is private.
  return std::unique_ptr<HttpClient>(new TlsFollowingClient(
      std::move(first), std::move(tls), std::move(load), std::move(factory), clock));
}

TlsFollowingClient::TlsFollowingClient(std::unique_ptr<HttpClient> first, ClientTls tls, Load load,
                                       Factory factory, const Clock* clock)
    : tls_(std::move(tls)),
      read_at_(clock->SteadyNow()),
      load_(std::move(load)),
      factory_(std::move(factory)),
      clock_(clock) {
  clients_.push_back(std::move(first));
}

// Files are read and clients made without the lock; two threads may do so at once, to no harm.
HttpClient* TlsFollowingClient::Current() {
  const absl::Time now = clock_->SteadyNow();
  {
    MutexLock lock(&mu_);
    const absl::Duration pause = is_doubtful_ ? kTlsReadSpacing : kTlsReadPeriod;
    if (now - read_at_ < pause) return clients_.back().get();
    read_at_ = now;
    is_doubtful_ = false;
  }
  absl::StatusOr<ClientTls> tls = load_();
  {
    MutexLock lock(&mu_);
    if (!tls.ok() || IsSame(*tls, tls_)) return clients_.back().get();
  }
  absl::StatusOr<std::unique_ptr<HttpClient>> client = factory_(*tls);
  if (!client.ok()) {
    LogWarning(kComponent, "the new certificates cannot be used; the old ones stay",
               {{"error", client.status()}});
  } else {
    LogInfo(kComponent, "certificates have changed", {});
  }
  MutexLock lock(&mu_);
  if (client.ok()) {
    clients_.push_back(*std::move(client));
    tls_ = *std::move(tls);
  }
  return clients_.back().get();
}

void TlsFollowingClient::Note(const absl::Status& outcome) {
  if (!absl::IsUnavailable(outcome)) return;
  MutexLock lock(&mu_);
  is_doubtful_ = true;
}

absl::StatusOr<ClientResponse> TlsFollowingClient::Send(const ClientRequest& request) {
  absl::StatusOr<ClientResponse> response = Current()->Send(request);
  Note(response.status());
  return response;
}

void TlsFollowingClient::SendAsync(const ClientRequest& request, Done done) {
  Current()->SendAsync(request,
                       [this, done = std::move(done)](absl::StatusOr<ClientResponse> response) {
                         Note(response.status());
                         done(std::move(response));
                       });
}

absl::Status TlsFollowingClient::Stream(const ClientRequest& request, const OnBlock& on_block,
                                        const StopFlag& stop, ClientResponse* refusal) {
  absl::Status status = Current()->Stream(request, on_block, stop, refusal);
  Note(status);
  return status;
}

}  // namespace pmem::extender
