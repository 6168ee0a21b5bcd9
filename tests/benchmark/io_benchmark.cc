// SPDX-License-Identifier: Apache-2.0
// What common/io costs: an echo of a small and of a huge body, and idle long-polls of our client.
// Prints one line per measurement; docs/performance.md keeps the figures.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/io/clock.h"
#include "common/io/http_client.h"
#include "common/io/http_server.h"
#include "common/io/process_stats.h"
#include "tests/support/held_responders.h"
#include "tests/support/raw_socket.h"

namespace pmem {
namespace {

constexpr int64_t kNamesBytes = 141'000;     // ExtenderArgs with 5,000 node names.
constexpr int64_t kNodesBytes = 76'000'000;  // ExtenderArgs with 5,000 whole Nodes.
constexpr int64_t kBodyBytesMax = 128'000'000;
constexpr int kLongPolls = 5'000;

int64_t ResidentMiB() { return ReadProcessStats().resident_bytes / (1024 * 1024); }

std::string Post(const std::string& path, int64_t bytes) {
  return absl::StrCat("POST ", path, " HTTP/1.1\r\nHost: x\r\nContent-Length: ", bytes, "\r\n\r\n",
                      std::string(static_cast<size_t>(bytes), 'x'));
}

// Sends the same request again and again on one connection and prints the median and the worst.
void Measure(const char* what, int port, const std::string& request, int times) {
  const RealClock clock;
  RawSocket socket(port);
  std::vector<double> milliseconds;
  for (int i = 0; i < times; ++i) {
    const absl::Time start = clock.SteadyNow();
    socket.Send(request);
    if (StatusOf(socket.Receive(60'000)) != "200") std::printf("%s: no answer\n", what);
    milliseconds.push_back(absl::ToDoubleMilliseconds(clock.SteadyNow() - start));
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  std::printf("%s: p50 %.2f ms, max %.2f ms, resident %lld MiB\n", what,
              milliseconds[milliseconds.size() / 2], milliseconds.back(),
              static_cast<long long>(ResidentMiB()));
}

void MeasureLongPolls(const std::string& url, HeldResponders& held) {
  const int64_t before = ResidentMiB();
  std::vector<Responder> waiting;  // Longer than the clients: they are answered nothing.
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < kLongPolls; ++i) {
    auto client = HttpClient::Make(url, {}, absl::Minutes(10));
    if (!client.ok()) return;
    (*client)->SendAsync({.path_and_query = "/hold"}, [](const absl::StatusOr<ClientResponse>&) {});
    clients.push_back(*std::move(client));
  }
  waiting = held.Take(kLongPolls);
  const ProcessStats stats = ReadProcessStats();
  std::printf(
      "%d long-polls, client and server in one process: resident %lld MiB more, %lld threads\n",
      kLongPolls, static_cast<long long>(ResidentMiB() - before),
      static_cast<long long>(stats.threads));
}

int Run() {
  StartIoThreads(4);
  HeldResponders held;
  HttpServer server({.open_requests_max = kLongPolls + 100, .observer = {}});
  server.Handle(
      "POST", "/echo",
      [](HttpRequest request, const Responder& respond) {
        respond({.body = std::move(request.body)});
      },
      kBodyBytesMax);
  server.Handle(
      "POST", "/count",
      [](const HttpRequest& request, const Responder& respond) {
        respond({.body = absl::StrCat(request.body.size())});
      },
      kBodyBytesMax);
  server.Handle("GET", "/hold",
                [&held](const HttpRequest&, Responder respond) { held.Add(std::move(respond)); });
  const absl::StatusOr<int> port = server.Start("127.0.0.1:0");
  if (!port.ok()) return 1;
  Measure("empty exchange", *port, Post("/count", 0), 2'000);
  Measure("echo of 141 KB", *port, Post("/echo", kNamesBytes), 2'000);
  MeasureLongPolls(absl::StrCat("http://127.0.0.1:", *port), held);
  Measure("76 MB read, length answered", *port, Post("/count", kNodesBytes), 10);
  Measure("76 MB echoed", *port, Post("/echo", kNodesBytes), 5);
  return 0;
}

}  // namespace
}  // namespace pmem

int main() { return pmem::Run(); }
