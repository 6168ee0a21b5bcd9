// SPDX-License-Identifier: Apache-2.0
#include "common/io/http_client.h"

#include <arpa/inet.h>
#include <cpprest/http_client.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/io/http_buffer.h"
#include "common/io/http_call.h"
#include "common/io/mutex.h"
#include "common/io/receive_limits.h"
#include "common/io/stop_flag.h"
#include "common/io/system_authorities.h"
#include "common/io/tls_failure.h"
#include "common/pure/status_macros.h"

namespace pmem {
namespace {

namespace http = web::http;

// Collects a whole answer. The events of one call do not overlap.
class Collector {
 public:
  Collector(int64_t bytes_max, HttpClient::Done done)
      : bytes_max_(static_cast<size_t>(bytes_max)), done_(std::move(done)) {}

  void OnHead(ClientResponse head) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    head.body = std::move(response_.body);
    response_ = std::move(head);
  }
  pplx::task<size_t> OnBytes(const uint8_t* ptr, size_t count) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (response_.body.size() + count > bytes_max_) {
      is_too_long_ = true;
      return RefuseBytes("the answer is too long");
    }
    response_.body.append(reinterpret_cast<const char*>(ptr), count);
    return pplx::task_from_result<size_t>(count, OnSameThread());
  }
  void OnEnd(absl::Status status) ABSL_LOCKS_EXCLUDED(mu_) { done_(Result(std::move(status))); }

 private:
  absl::StatusOr<ClientResponse> Result(absl::Status status) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (is_too_long_) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the answer is longer than the limit of ", bytes_max_, " bytes"));
    }
    if (!status.ok()) return status;
    return std::move(response_);
  }

  Mutex mu_;
  ClientResponse response_ ABSL_GUARDED_BY(mu_);
  bool is_too_long_ ABSL_GUARDED_BY(mu_) = false;
  const size_t bytes_max_;
  const HttpClient::Done done_;
};

// One answer, from the pool to the thread that waits for it.
class Answer {
 public:
  void Set(absl::StatusOr<ClientResponse> result) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    result_ = std::move(result);
    changed_.SignalAll();
  }
  absl::StatusOr<ClientResponse> Wait() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    while (!result_) changed_.WaitWithTimeout(&mu_, absl::Seconds(1));
    return *std::move(result_);
  }

 private:
  Mutex mu_;
  CondVar changed_;
  std::optional<absl::StatusOr<ClientResponse>> result_ ABSL_GUARDED_BY(mu_);
};

// Hands a stream from the pool to the thread that reads it. Pieces are collected until they are
// taken, so that thousands of small ones do not cost a change of threads each; past
// kStreamAheadBytesMax the socket is not read on before that.
class Pipe {
 public:
  struct Event {
    std::optional<ClientResponse> head;  // Comes before any block.
    std::optional<std::string> block;
    std::optional<absl::Status> end;
  };

  void OnHead(ClientResponse head) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    has_head_ = true;
    next_.head = std::move(head);
    changed_.SignalAll();
  }
  pplx::task<size_t> OnBytes(const uint8_t* ptr, size_t count) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (is_closed_) return RefuseBytes("nobody reads this stream any more");
    const bool is_first = !next_.block;
    const bool was_enough = IsEnoughLocked();
    if (is_first) next_.block.emplace();
    next_.block->append(reinterpret_cast<const char*>(ptr), count);
    if (is_first || was_enough != IsEnoughLocked()) changed_.SignalAll();
    if (next_.block->size() < kStreamAheadBytesMax) {
      return pplx::task_from_result<size_t>(count, OnSameThread());
    }
    taken_ = pplx::task_completion_event<size_t>();
    held_bytes_ = count;
    return pplx::create_task(taken_);
  }
  void OnEnd(absl::Status status) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    next_.end = std::move(status);
    changed_.SignalAll();
  }

  // Waits for what comes next. Empty: `stop` was set before.
  Event Take(const StopFlag& stop) ABSL_LOCKS_EXCLUDED(mu_) {
    Event event;
    pplx::task_completion_event<size_t> taken;
    size_t held_bytes = 0;
    {
      MutexLock lock(&mu_);
      while (!IsReadyLocked()) {
        if (stop.is_set()) return event;
        changed_.WaitWithTimeout(&mu_, absl::InfiniteDuration());
      }
      if (!IsEnoughLocked()) changed_.WaitWithTimeout(&mu_, kStreamGatherTime);
      event = std::exchange(next_, {});
      taken = taken_;
      held_bytes = std::exchange(held_bytes_, 0);
    }
    if (held_bytes > 0) taken.set(held_bytes);
    return event;
  }

  // Who waits in Take looks at its flag.
  void Wake() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    changed_.SignalAll();
  }

  // Nothing is taken any more; a piece that waits is dropped.
  void Close() ABSL_LOCKS_EXCLUDED(mu_) {
    pplx::task_completion_event<size_t> taken;
    {
      MutexLock lock(&mu_);
      is_closed_ = true;
      taken = taken_;
    }
    taken.set(0);
  }

 private:
  bool IsReadyLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return next_.end || next_.head || (has_head_ && next_.block);
  }
  // Not worth to wait for more.
  bool IsEnoughLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return next_.end || (next_.block && next_.block->size() >= kStreamGatherBytes);
  }

  Mutex mu_;
  CondVar changed_;
  Event next_ ABSL_GUARDED_BY(mu_);
  pplx::task_completion_event<size_t> taken_ ABSL_GUARDED_BY(mu_);
  size_t held_bytes_ ABSL_GUARDED_BY(mu_) = 0;  // Of the piece whose task waits; 0: none does.
  bool has_head_ ABSL_GUARDED_BY(mu_) = false;
  bool is_closed_ ABSL_GUARDED_BY(mu_) = false;
};

// What Stream does with the pieces, on its own thread.
class StreamReader {
 public:
  StreamReader(const HttpClient::OnBlock& on_block, int64_t refusal_bytes_max,
               ClientResponse* refusal)
      : on_block_(on_block),
        refusal_bytes_max_(static_cast<size_t>(refusal_bytes_max)),
        refusal_(refusal) {}

  // Nothing: go on.
  std::optional<absl::Status> Handle(Pipe::Event event) {
    if (event.head) {
      is_refused_ = event.head->status != 200;
      if (is_refused_) *refusal_ = *std::move(event.head);
    }
    if (event.block) {
      absl::Status status = is_refused_ ? Keep(*event.block) : on_block_(*event.block);
      if (!status.ok()) return status;
    }
    return std::move(event.end);
  }

 private:
  absl::Status Keep(std::string_view block) {
    if (refusal_->body.size() + block.size() > refusal_bytes_max_) {
      return absl::ResourceExhaustedError("the refusal is longer than its limit");
    }
    refusal_->body.append(block);
    return absl::OkStatus();
  }

  const HttpClient::OnBlock& on_block_;
  const size_t refusal_bytes_max_;
  ClientResponse* const refusal_;
  bool is_refused_ = false;
};

// Of an address; of a name nothing.
std::optional<boost::asio::ip::tcp> ProtocolOf(const std::string& host) {
  in_addr v4{};
  in6_addr v6{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return boost::asio::ip::tcp::v4();
  if (::inet_pton(AF_INET6, host.c_str(), &v6) == 1) return boost::asio::ip::tcp::v6();
  return std::nullopt;
}

bool IsIpAddress(const std::string& host) { return ProtocolOf(host).has_value(); }

// The longest answer that a client has asked for. Its connections carry any of its requests, and
// cpprestsdk does not say which. Thread-safe.
class LongestAnswer {
 public:
  void Allow(int64_t body_bytes_max) {
    int64_t now = bytes_max_;
    while (now < body_bytes_max && !bytes_max_.compare_exchange_weak(now, body_bytes_max)) {
    }
  }
  void Expect(int fd) const { limits_->Expect(fd, bytes_max_); }

 private:
  const std::shared_ptr<ReceiveLimits> limits_ = ReceiveLimits::Shared();
  std::atomic<int64_t> bytes_max_{0};
};

// cpprestsdk shows the socket at the begin of each request. One that is to be connected yet has no
// descriptor, unless we give it one: connecting opens it only when it is not open. A name may have
// addresses of either kind, so there only the second request on a connection is watched.
void ExpectAnswer(const LongestAnswer& longest, const std::optional<boost::asio::ip::tcp>& protocol,
                  boost::asio::ip::tcp::socket::lowest_layer_type& socket) {
  boost::system::error_code error;  // Will come again when it connects.
  if (!socket.is_open() && protocol) socket.open(*protocol, error);
  if (socket.is_open()) longest.Expect(socket.native_handle());
}

// cpprestsdk resolves and verifies the host as it stands in the URL, and no resolver knows an IPv6
// address in brackets. Throws what web::uri throws.
web::uri WithoutBrackets(const web::uri& base) {
  const std::string& host = base.host();
  if (!host.starts_with('[') || !host.ends_with(']')) return base;
  return web::uri_builder(base).set_host(host.substr(1, host.size() - 2)).to_uri();
}

// Paths begin with one.
std::string WithoutLastSlash(std::string url) {
  if (url.ends_with('/')) url.pop_back();
  return url;
}

boost::asio::const_buffer Buffer(const std::string& text) { return {text.data(), text.size()}; }

// Throws what asio throws.
void ConfigureTls(const ClientTls& tls, boost::asio::ssl::context& context) {
  using Context = boost::asio::ssl::context;
  context.set_options(Context::no_sslv2 | Context::no_sslv3 | Context::no_tlsv1 |
                      Context::no_tlsv1_1);
  if (!tls.ca_pem.empty()) {
    // A fresh store: cpprestsdk has put the system's authorities into the old one, if there are any
    // (LeaveOutSystemAuthorities).
    X509_STORE* const store = X509_STORE_new();
    SSL_CTX_set_cert_store(context.native_handle(), store);
    // A certificate that is given as an authority is trusted, also when it is not self-signed.
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    context.add_certificate_authority(Buffer(tls.ca_pem));
  } else if (!tls.insecure) {
    TrustSystemAuthorities(context.native_handle());
  }
  if (!tls.certificate_pem.empty()) {
    context.use_certificate_chain(Buffer(tls.certificate_pem));
    context.use_private_key(Buffer(tls.key_pem), Context::pem);
  }
}

// Not for plain HTTP: a context costs as much as a short request, and there are thousands of
// agents.
void TryTls(const ClientTls& tls) {
  boost::asio::ssl::context trial(boost::asio::ssl::context::sslv23);
  ConfigureTls(tls, trial);
}

http::client::http_client_config MakeConfig(const web::uri& base, ClientTls tls,
                                            absl::Duration read_timeout,
                                            std::shared_ptr<const LongestAnswer> longest,
                                            std::shared_ptr<TlsFailure> failure) {
  using Socket = boost::asio::ip::tcp::socket;
  using TlsStream = boost::asio::ssl::stream<Socket&>;
  const std::string& host = base.host();
  http::client::http_client_config config;
  config.set_timeout(absl::ToChronoMicroseconds(read_timeout));
  // A redirect would carry our credentials to another host.
  config.set_max_redirects(0);
  config.set_validate_certificates(!tls.insecure);
  config.set_tlsext_sni_enabled(!IsIpAddress(tls.server_name.empty() ? host : tls.server_name));
  config.set_nativehandle_options(
      [is_tls = base.scheme() == "https", protocol = ProtocolOf(host),
       longest = std::move(longest)](http::client::native_handle handle) {
        ExpectAnswer(*longest, protocol,
                     is_tls ? static_cast<TlsStream*>(handle)->lowest_layer()
                            : static_cast<Socket*>(handle)->lowest_layer());
      });
  if (base.scheme() != "https") return config;
  // The configuration outlives every handshake, and with it `failure`.
  config.set_ssl_context_callback(
      [tls = std::move(tls), failure = std::move(failure)](boost::asio::ssl::context& context) {
        ConfigureTls(tls, context);
        failure->Watch(context);
      });
  return config;
}

class CpprestClient final : public HttpClient {
 public:
  CpprestClient(const web::uri& base, const ClientTls& tls, absl::Duration read_timeout)
      : base_(WithoutLastSlash(base.to_string())),
        server_name_(tls.server_name),
        client_(base, MakeConfig(base, tls, read_timeout, longest_, tls_failure_)) {}
  ~CpprestClient() override { active_->CancelAll(); }

  absl::StatusOr<ClientResponse> Send(const ClientRequest& request) override {
    const auto answer = std::make_shared<Answer>();
    SendAsync(request, [answer](absl::StatusOr<ClientResponse> r) { answer->Set(std::move(r)); });
    return answer->Wait();
  }

  void SendAsync(const ClientRequest& request, Done done) override {
    absl::StatusOr<http::http_request> made = MakeRequest(request);
    if (!made.ok()) return done(made.status());
    longest_->Allow(request.body_bytes_max);
    const auto collector = std::make_shared<Collector>(request.body_bytes_max, std::move(done));
    std::make_shared<Call>(What(request), active_, tls_failure_)
        ->Start(
            client_, *std::move(made), request.deadline,
            {.on_head = [collector](ClientResponse head) { collector->OnHead(std::move(head)); },
             .on_bytes = [collector](const uint8_t* p,
                                     size_t n) { return collector->OnBytes(p, n); },
             .on_end = [collector](absl::Status s) { collector->OnEnd(std::move(s)); }});
  }

  absl::Status Stream(const ClientRequest& request, const OnBlock& on_block, const StopFlag& stop,
                      ClientResponse* refusal) override {
    PMEM_ASSIGN_OR_RETURN(const http::http_request made, MakeRequest(request));
    longest_->Allow(ReceiveLimits::kNone);
    const auto pipe = std::make_shared<Pipe>();
    const auto call = std::make_shared<Call>(What(request), active_, tls_failure_);
    call->Start(client_, made, request.deadline,
                {.on_head = [pipe](ClientResponse head) { pipe->OnHead(std::move(head)); },
                 .on_bytes = [pipe](const uint8_t* p, size_t n) { return pipe->OnBytes(p, n); },
                 .on_end = [pipe](absl::Status s) { pipe->OnEnd(std::move(s)); }});
    StreamReader reader(on_block, request.body_bytes_max, refusal);
    absl::Status status = ReadUntilEnd(*pipe, reader, stop);
    pipe->Close();
    call->Cancel(absl::CancelledError("the reader left"));
    return status;
  }

 private:
  static absl::Status ReadUntilEnd(Pipe& pipe, StreamReader& reader, const StopFlag& stop) {
    const StopFlag::Waker waker(stop, [&pipe] { pipe.Wake(); });
    while (!stop.is_set()) {
      if (std::optional<absl::Status> status = reader.Handle(pipe.Take(stop))) {
        return *std::move(status);
      }
    }
    return absl::CancelledError("asked to stop");
  }

  std::string What(const ClientRequest& request) const {
    // Without the query: it may be long, and it is never needed to find the culprit.
    const std::string_view target = request.path_and_query;
    const std::string_view path = target.substr(0, target.find('?'));
    return absl::StrCat(request.method, " ", base_, absl::string_view(path.data(), path.size()));
  }

  absl::StatusOr<http::http_request> MakeRequest(const ClientRequest& request) const {
    try {
      http::http_request made(request.method);
      made.set_request_uri(web::uri(request.path_and_query));
      for (const auto& [name, value] : request.headers) made.headers().add(name, value);
      // cpprestsdk verifies the certificate against this header.
      if (!server_name_.empty()) made.headers().add(http::header_names::host, server_name_);
      // What cannot be rewound it does not send again by itself, on another connection and later,
      // when the first one ends before the answer begins.
      if (!request.body.empty()) {
        made.set_body(TextStream(request.body), request.body.size(), request.content_type);
      }
      return made;
    } catch (const std::exception& e) {
      return absl::InvalidArgumentError(absl::StrCat(What(request), ": ", e.what()));
    }
  }

  const std::string base_;
  const std::string server_name_;
  const std::shared_ptr<ActiveCalls> active_ = std::make_shared<ActiveCalls>();
  const std::shared_ptr<LongestAnswer> longest_ = std::make_shared<LongestAnswer>();
  const std::shared_ptr<TlsFailure> tls_failure_ = std::make_shared<TlsFailure>();
  http::client::http_client client_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HttpClient>> HttpClient::Make(std::string_view base_url,
                                                             const ClientTls& tls,
                                                             absl::Duration read_timeout) {
  try {
    const web::uri base{std::string(base_url)};
    if (base.scheme() != "http" && base.scheme() != "https") {
      return absl::InvalidArgumentError(absl::StrCat(base.to_string(), ": not http or https"));
    }
    if (base.scheme() == "https") TryTls(tls);
    return std::make_unique<CpprestClient>(WithoutBrackets(base), tls, read_timeout);
  } catch (const std::exception& e) {
    return absl::InvalidArgumentError(absl::StrCat(std::string(base_url), ": ", e.what()));
  }
}

}  // namespace pmem
