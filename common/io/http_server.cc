// SPDX-License-Identifier: Apache-2.0
#include "common/io/http_server.h"

#include <cpprest/http_listener.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/io/body_budget.h"
#include "common/io/clock.h"
#include "common/io/connections.h"
#include "common/io/http_body.h"
#include "common/io/http_gate.h"
#include "common/io/http_routes.h"
#include "common/io/io_threads.h"
#include "common/io/log.h"
#include "common/io/memory_growth.h"
#include "common/io/mutex.h"
#include "common/io/port_reservation.h"
#include "common/io/work_paced_task.h"
#include "common/io/worker_pool.h"
#include "common/pure/json_writer.h"
#include "common/pure/status_macros.h"

// Takes the place of libcpprest.so's own: the dynamic linker finds the program's first. The
// listener looks for a handler below each "/" of a path, longest first, and puts the path together
// anew each time, which is quadratic: 40 KB of slashes kept a thread of the pool busy for seconds
// before any code of ours saw the request. We register "/" alone, so no part of a path is worth a
// look. Beside the listener only uri::resolve_uri splits paths, for redirects, which our client
// never follows. In this file because every program with an HttpServer links it; a test shows that
// it is in force.
[[gnu::visibility("default")]] std::vector<std::string> web::uri::split_path(
    const std::string& /*path*/) {
  return {};
}

namespace pmem {
namespace {

namespace http = web::http;
using http::experimental::listener::http_listener;

constexpr std::string_view kComponent = "http_server";
constexpr const char* kBodyOfGet = "a GET has no body";
constexpr std::string_view kUnsent = "an answer did not reach its client";
// Answers up to this are not counted, so that probes and refusals always pass.
constexpr size_t kSmallAnswerBytes = size_t{4} * 1024;

http::http_response ToCpprest(HttpResponse response, bool with_body) {
  http::http_response out(static_cast<http::status_code>(response.status));
  for (const auto& [name, value] : response.headers) out.headers().add(name, value);
  if (with_body && !response.body.empty()) {
    SetBody(out, std::move(response.body), response.content_type);
  }
  return out;
}

// While the server stops: an unanswered request would keep its connection open. Does nothing later:
// cpprestsdk has answered every request of a connection that it closed.
void TurnAway(const http::http_request& request) noexcept {
  DiscardBody(request);
  try {
    HttpResponse response = ProblemResponse(503, "Too busy", "the server ends");
    response.headers.emplace("Connection", "close");
    request.reply(ToCpprest(std::move(response), request.method() != http::methods::HEAD))
        .then([](const pplx::task<void>& sent) { ObserveTask(sent, kUnsent); });
  } catch (const std::exception& e) {
    LogDebug(kComponent, "cannot turn a request away", {{"error", e.what()}});
  }
}

// One request from its header to its answer. Answers once; the last one to let go answers 500.
class Exchange {
 public:
  Exchange(const http::http_request& request, std::shared_ptr<HttpGate> gate,
           std::shared_ptr<const HttpServerOptions> options, std::shared_ptr<BodyBudget> answers)
      : request_(request),
        gate_(std::move(gate)),
        options_(std::move(options)),
        answer_(std::make_shared<BodyLease>(std::move(answers))),
        method_(request_.method()),
        start_(RealClock().SteadyNow()),
        is_counted_(gate_->Open()) {}
  ~Exchange() { Answer(ProblemResponse(500, "Internal error", "the handler gave no answer")); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  bool is_counted() const { return is_counted_; }
  const std::string& method() const { return method_; }
  const std::string& route() const { return route_; }
  http::http_request& request() { return request_; }
  void set_route(const std::string* path) { route_ = *path; }
  // The connection ends with the answer.
  void set_is_last() { is_last_ = true; }
  // Before the handler is called.
  void TakeOver(const HttpBody& body) { lease_ = body.lease; }

  void Answer(HttpResponse response) noexcept {
    if (is_answered_.exchange(true)) return;
    if (gate_->Enter()) {
      if (!IsHeld(response.body.size())) {
        response = ProblemResponse(503, "Too busy", "too many bytes of answers wait to be read");
      }
      Observe(response.status);
      Send(std::move(response));
      gate_->Leave();
    } else {
      TurnAway(request_);
    }
    if (is_counted_) gate_->Done();
  }

 private:
  // Small ones are bounded by the number of connections.
  bool IsHeld(size_t bytes) { return bytes <= kSmallAnswerBytes || answer_->Resize(bytes); }
  void Observe(int status) noexcept {
    if (!options_->observer) return;
    try {
      options_->observer(
          {.route = route_, .status = status, .duration = RealClock().SteadyNow() - start_});
    } catch (const std::exception& e) {
      LogError(kComponent, "the observer failed", {{"error", e.what()}});
    }
  }
  void Send(HttpResponse response) noexcept {
    gate_->Sending(+1);
    try {
      if (is_last_) response.headers.insert_or_assign("Connection", "close");
      request_.reply(ToCpprest(std::move(response), method_ != http::methods::HEAD))
          .then([gate = gate_, lease = std::move(lease_),
                 answer = std::move(answer_)](const pplx::task<void>& sent) mutable {
            ObserveTask(sent, kUnsent);
            lease.reset();
            answer.reset();
            gate->Sending(-1);
          });
    } catch (const std::exception& e) {
      LogWarning(kComponent, "cannot answer", {{"error", e.what()}});
      gate_->Sending(-1);
    }
  }

  http::http_request request_;
  const std::shared_ptr<HttpGate> gate_;
  const std::shared_ptr<const HttpServerOptions> options_;
  std::shared_ptr<BodyLease> answer_;
  const std::string method_;
  const absl::Time start_;
  const bool is_counted_;
  bool is_last_ = false;
  std::string route_;
  std::shared_ptr<BodyLease> lease_;  // The body, or what became of it, is in memory.
  std::atomic<bool> is_answered_{false};
};

}  // namespace

HttpResponse ProblemResponse(int status, std::string_view title, std::string_view detail) {
  HttpResponse response{.status = status, .content_type = "application/problem+json"};
  if (status == 503) response.headers.emplace("Retry-After", "1");
  response.body = JsonWriter()
                      .BeginObject()
                      .String("type", "about:blank")
                      .String("title", title)
                      .Int("status", status)
                      .String("detail", detail)
                      .EndObject()
                      .Take();
  return response;
}

HttpResponse PlainTextResponse(std::string body) {
  return {.content_type = "text/plain; charset=utf-8", .body = std::move(body)};
}

namespace {

std::string_view Message(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

HttpResponse BadRequest(const absl::Status& status) {
  return ProblemResponse(400, "Bad request", Message(status));
}

// cpprestsdk closes a listener's connections from another thread than the one that reads from them.
// The two at once have crashed inside libcpprest.so, so the readers are sent home first. Who is
// left after this time waits for an answer that nobody gives, and reads nothing.
constexpr absl::Duration kConnectionsEndWithin = absl::Seconds(1);

// How often it is seen whether a look at the connections cannot wait: while the process works a
// thousand of them, or some tens of megabytes, come in a fraction of a second. While it does not,
// what has a time of its own to end is seen within that time.
WorkPacedTask::Pace GlancePace(const HttpServerOptions& options) {
  const absl::Duration look = options.connections_look_period;
  return {
      .busy = std::min(kReceivePeriod, look),
      .idle = std::min({kReceiveIdlePeriod, look, options.body_patience, options.send_patience})};
}
// What headers, and chunks that have not ended, may take of all connections together.
constexpr int64_t kHeadersBytesMax = int64_t{64} * 1024 * 1024;
// The connection of a longer one ends with its answer.
constexpr size_t kKeptHeaderBytesMax = size_t{64} * 1024;
// How long an unread answer stays once they take half of the memory that they may take.
constexpr absl::Duration kPressedPatience = absl::Seconds(1);

// Bodies of plain pods, and the like, have a part of the memory to themselves, so that large ones
// never keep them out: half of the largest body's size for those below a sixteenth of it.
constexpr size_t kSmallBodyBytesMax = size_t{1024} * 1024;
constexpr size_t kSmallBodyShare = 16;
constexpr size_t kSmallBodiesShare = 2;

}  // namespace

class HttpServer::Impl {
 public:
  explicit Impl(HttpServerOptions options)
      : options_(std::make_shared<const HttpServerOptions>(std::move(options))),
        gate_(std::make_shared<HttpGate>(options_->open_requests_max)),
        connections_look_("http-connections", GlancePace(*options_),
                          [this] { return LookAtConnections(); }) {}

  void Handle(std::string method, std::string path, RouteTable::Route route) {
    routes_.Add(std::move(method), std::move(path), std::move(route));
  }

  HttpHandler Aside(HttpHandler handler, const std::string& path) {
    if (!aside_) aside_.emplace("http-aside", 1, kAsideQueuedMax);
    return [this, handler = std::move(handler), path](HttpRequest request, Responder respond) {
      auto work = [&handler, &path, request = std::move(request), respond]() mutable {
        Call(handler, std::move(request), std::move(respond), path);
      };
      if (!aside_->Submit(std::move(work))) {
        respond(ProblemResponse(503, "Too busy", "too many such requests wait"));
      }
    };
  }

  absl::StatusOr<int> Start(std::string_view listen) {
    PMEM_ASSIGN_OR_RETURN(HostPort address, ParseHostPort(listen));
    if (address.host.find(':') != std::string::npos) {
      return absl::InvalidArgumentError("cpprestsdk cannot listen on an IPv6 address");
    }
    PortReservation reservation;
    if (address.port == 0) {
      PMEM_ASSIGN_OR_RETURN(address.port, reservation.Reserve(address.host));
    }
    const auto largest = static_cast<size_t>(routes_.body_bytes_max());
    bodies_ = {.patience = options_->body_patience,
               .budget = std::make_shared<BodyBudget>(
                   largest * static_cast<size_t>(options_->largest_bodies_max)),
               .small_bytes_max = std::min(kSmallBodyBytesMax, largest / kSmallBodyShare),
               .small_budget = std::make_shared<BodyBudget>(largest / kSmallBodiesShare),
               .late = std::make_shared<LateBodies>()};
    answers_ =
        std::make_shared<BodyBudget>(static_cast<size_t>(options_->answer_bytes_max) +
                                     largest * static_cast<size_t>(options_->largest_bodies_max));
    PMEM_RETURN_IF_ERROR(Listen(address));
    port_ = address.port;
    address_ = absl::StrCat(address.host, ":", address.port);
    connections_look_.Start();
    return address.port;
  }

  const std::string& address() const { return address_; }

  void Stop(absl::Duration drain) {
    gate_->Close(drain);
    if (aside_) aside_->Stop();
    connections_look_.Stop();
    if (!listener_) return;
    // A client that is being let in while cpprestsdk gives up its listener is given to one that is
    // gone.
    const bool is_quiet = StopAccepting(port_, kConnectionsEndWithin);
    if (!MeetIoThreads(kConnectionsEndWithin) || !is_quiet) {
      LogDebug(kComponent, "a client may be let in while the listener ends", {{"port", port_}});
    }
    try {
      ShutDownAccepted(port_, kConnectionsEndWithin);
      listener_->close().get();
    } catch (const std::exception& e) {
      LogWarning(kComponent, "cannot close the listener", {{"error", e.what()}});
    }
    listener_.reset();
  }

 private:
  absl::Status Listen(const HostPort& address) {
    const std::string url = absl::StrCat("http://", address.host, ":", address.port, "/");
    try {
      listener_.emplace(web::uri(url));
      const auto on_request = [this](const http::http_request& request) { OnRequest(request); };
      listener_->support(on_request);
      listener_->support(http::methods::OPTIONS, on_request);
      listener_->support(http::methods::TRCE, on_request);
      listener_->open().get();
      return absl::OkStatus();
    } catch (const boost::system::system_error& e) {
      listener_.reset();
      const bool is_in_use = e.code() == boost::system::errc::address_in_use;
      return absl::FailedPreconditionError(absl::StrCat(address.host, ":", address.port,
                                                        is_in_use ? " is in use" : ": ",
                                                        is_in_use ? "" : e.code().message()));
    } catch (const std::exception& e) {
      listener_.reset();
      return absl::FailedPreconditionError(
          absl::StrCat(address.host, ":", address.port, ": ", e.what()));
    }
  }

  // True: the next look is to come soon, also without any work.
  bool LookAtConnections() {
    const absl::Time now = RealClock().SteadyNow();
    const bool is_body_awaited = bodies_.late->Look(now);
    if (growth_.IsLookDue(now)) {
      TellClosed("connections whose requests are longer than any may be were closed",
                 long_requests_.ShutDown(port_, LimitsOfRequests()));
    }
    const bool is_pressed = answers_->IsOverHalf();
    const DescriptorsLeft left = GetDescriptorsLeft();
    const bool is_waiting = is_body_awaited || is_pressed || left != DescriptorsLeft::kEnough;
    if (now < next_look_ && !is_pressed && left != DescriptorsLeft::kShort) return is_waiting;
    next_look_ = now + options_->connections_look_period;
    TellClosed("idle connections, or too many of them, were closed",
               ShutDownExcess(port_, options_->connections));
    const absl::Duration patience =
        is_pressed ? std::min(kPressedPatience, options_->send_patience) : options_->send_patience;
    TellClosed("connections whose clients do not read their answers were closed",
               slow_readers_.ShutDown(port_, now, patience));
    return is_waiting;
  }

  // A body that is refused is thrown away as it comes, and counted nowhere: there is room for one.
  RequestLimits LimitsOfRequests() const {
    const size_t held = bodies_.budget->taken() + bodies_.small_budget->taken();
    const int64_t one = MessageBytesMax(routes_.body_bytes_max());
    const int64_t held_bytes = WithFraming(static_cast<int64_t>(held));
    return {.one_bytes_max = one,
            .all_bytes_max = held_bytes + one + kHeadersBytesMax,
            .held_bytes = held_bytes};
  }

  void TellClosed(std::string_view what, int count) const {
    if (count > 0) LogWarning(kComponent, what, {{"count", count}, {"port", port_}});
  }

  void OnRequest(const http::http_request& request) {
    auto exchange = std::make_shared<Exchange>(request, gate_, options_, answers_);
    const absl::StatusOr<size_t> length = BodyLength(request);
    const bool is_strange = length.ok() && *length > 0 && exchange->method() == http::methods::GET;
    if (!length.ok() || is_strange || IsLong(request, *length)) exchange->set_is_last();
    absl::StatusOr<HttpRequest> head = ParseHead(exchange->request());
    exchange->request().headers().clear();  // Many small ones take many times their bytes.
    if (!length.ok()) return Refuse(*exchange, BadRequest(length.status()));
    if (!head.ok()) return Refuse(*exchange, BadRequest(head.status()));
    const RouteTable::Match match = routes_.Find(exchange->method(), head->path);
    if (match.path != nullptr) exchange->set_route(match.path);
    // No request that is open waits for it.
    if (is_strange && match.route != nullptr) {
      return Refuse(*exchange, BadRequest(absl::InvalidArgumentError(kBodyOfGet)));
    }
    const bool is_probe = match.route != nullptr && match.route->is_probe;
    if (!exchange->is_counted() && !is_probe) {
      return Refuse(*exchange, ProblemResponse(503, "Too busy", "too many open requests"));
    }
    if (match.route == nullptr) return Refuse(*exchange, NoRoute(match));
    ReadAndHandle(exchange, *std::move(head), *length, *match.route);
  }

  // cpprestsdk keeps the memory that a header or a chunk has taken for as long as their connection
  // lives, and of a chunk nobody sees how long it was.
  static bool IsLong(const http::http_request& request, size_t body_bytes) {
    size_t bytes = request.request_uri().path().size() + request.request_uri().query().size();
    for (const auto& [name, value] : request.headers()) bytes += name.size() + value.size();
    return body_bytes == kUnknownLength || bytes > kKeptHeaderBytesMax;
  }

  static absl::StatusOr<HttpRequest> ParseHead(const http::http_request& request) {
    HttpRequest head{.method = request.method()};
    PMEM_ASSIGN_OR_RETURN(head.path, PercentDecode(request.request_uri().path()));
    PMEM_ASSIGN_OR_RETURN(head.query, ParseQuery(request.request_uri().query()));
    const auto it = request.headers().find("If-None-Match");
    if (it != request.headers().end()) head.if_none_match = it->second;
    return head;
  }

  static HttpResponse NoRoute(const RouteTable::Match& match) {
    if (match.path == nullptr) return ProblemResponse(404, "Not found", "no such path");
    HttpResponse response = ProblemResponse(405, "Method not allowed", "see the header Allow");
    response.headers["Allow"] = match.allow;
    return response;
  }

  // Answers without a handler; the body is thrown away.
  static void Refuse(Exchange& exchange, HttpResponse response) {
    DiscardBody(exchange.request());
    exchange.Answer(std::move(response));
  }

  void ReadAndHandle(const std::shared_ptr<Exchange>& exchange, HttpRequest head, size_t length,
                     const RouteTable::Route& route) {
    auto done = [this, gate = gate_, exchange, head = std::move(head),
                 &route](absl::StatusOr<HttpBody> body) mutable {
      if (!gate->Enter()) return;  // `this` may be gone.
      OnBody(exchange, std::move(head), route, std::move(body));
      gate->Leave();
    };
    BodyLimits limits = bodies_;
    limits.bytes_max = static_cast<size_t>(route.body_bytes_max);
    ReadBody(exchange->request(), length, limits, std::move(done));
  }

  void OnBody(const std::shared_ptr<Exchange>& exchange, HttpRequest head,
              const RouteTable::Route& route, absl::StatusOr<HttpBody> body) {
    if (absl::IsResourceExhausted(body.status())) {
      return exchange->Answer(ProblemResponse(413, "Body too large", Message(body.status())));
    }
    if (absl::IsUnavailable(body.status())) {
      return exchange->Answer(ProblemResponse(503, "Too busy", Message(body.status())));
    }
    if (!body.ok()) exchange->set_is_last();  // What comes next is no request.
    if (absl::IsDeadlineExceeded(body.status())) {
      return exchange->Answer(ProblemResponse(408, "Request timeout", Message(body.status())));
    }
    if (!body.ok()) return exchange->Answer(BadRequest(body.status()));
    exchange->TakeOver(*body);
    head.body = std::move(body->bytes);
    Call(
        route.handler, std::move(head),
        [exchange](HttpResponse response) { exchange->Answer(std::move(response)); },
        exchange->route());
  }

  // When it fails, the last copy of `respond` answers 500.
  static void Call(const HttpHandler& handler, HttpRequest request, Responder respond,
                   std::string_view route) noexcept {
    try {
      handler(std::move(request), std::move(respond));
    } catch (const std::exception& e) {
      LogError(kComponent, "a handler failed", {{"route", route}, {"error", e.what()}});
    }
  }

  const std::shared_ptr<const HttpServerOptions> options_;
  const std::shared_ptr<HttpGate> gate_;
  RouteTable routes_;
  BodyLimits bodies_;  // Of all routes together.
  std::optional<http_listener> listener_;
  int port_ = 0;
  std::string address_;
  std::shared_ptr<BodyBudget> answers_;
  SlowReaders slow_readers_;  // To next_look_: of the look's thread.
  MemoryGrowth growth_;
  LongRequests long_requests_;
  absl::Time next_look_ = absl::InfinitePast();
  WorkPacedTask connections_look_;
  std::optional<WorkerPool> aside_;  // Once there is a handler for it.
};

HttpServer::HttpServer(HttpServerOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}

HttpServer::~HttpServer() { Stop(); }

void HttpServer::Handle(std::string method, std::string path, HttpHandler handler,
                        int64_t body_bytes_max) {
  impl_->Handle(std::move(method), std::move(path),
                {.handler = std::move(handler), .body_bytes_max = body_bytes_max});
}

void HttpServer::HandleProbe(std::string method, std::string path, HttpHandler handler) {
  impl_->Handle(std::move(method), std::move(path),
                {.handler = std::move(handler), .is_probe = true});
}

void HttpServer::HandleAside(std::string method, std::string path, HttpHandler handler) {
  auto aside = impl_->Aside(std::move(handler), path);
  Handle(std::move(method), std::move(path), std::move(aside));
}

absl::StatusOr<int> HttpServer::Start(std::string_view listen) { return impl_->Start(listen); }

const std::string& HttpServer::address() const { return impl_->address(); }

void HttpServer::Stop(absl::Duration drain) { impl_->Stop(drain); }

}  // namespace pmem
