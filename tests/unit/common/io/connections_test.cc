// SPDX-License-Identifier: Apache-2.0
#include "common/io/connections.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <future>
#include <iterator>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/io/http_server.h"
#include "tests/support/raw_socket.h"
#include "tests/support/wait_until.h"

namespace pmem {
namespace {

constexpr std::string_view kAsk = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";

constexpr uint32_t kTickMsMax = 10;

// How long ago a client got something.
uint32_t SilentMs(const RawSocket& client) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  EXPECT_EQ(::getsockopt(client.fd(), IPPROTO_TCP, TCP_INFO, &info, &size), 0);
  return info.tcpi_last_data_recv;
}

class ConnectionsTest : public ::testing::Test {
 protected:
  // Looks all the time.
  void Start(const ConnectionLimits& limits) {
    server_.emplace(HttpServerOptions{
        .connections = limits, .connections_look_period = absl::Milliseconds(1), .observer = {}});
    server_->Handle("GET", "/hello", [](const HttpRequest&, const Responder& respond) {
      respond({.content_type = "text/plain", .body = "hello"});
    });
    port_ = *server_->Start("127.0.0.1:0");
  }

  std::optional<HttpServer> server_;
  int port_ = 0;
};

TEST_F(ConnectionsTest, OfTooManyThoseGoWhoseClientNeverAsked) {
  Start({.count_max = 2, .idle_max = absl::Hours(1)});
  RawSocket used(port_);
  used.Send(kAsk);
  EXPECT_EQ(BodyOf(used.Receive()), "hello");
  std::list<RawSocket> silent;
  for (int i = 0; i < 5; ++i) silent.emplace_back(port_);
  const auto is_closed = [](RawSocket& socket) { return socket.IsClosedByPeer(0); };
  EXPECT_TRUE(WaitUntil("there are no more than two", [&] {
    return std::count_if(silent.begin(), silent.end(), is_closed) >= 4;
  }));
  used.Send(kAsk);
  EXPECT_EQ(BodyOf(used.Receive()), "hello");
}

TEST_F(ConnectionsTest, OfTooManyThatAskedTheLongestIdleGoes) {
  Start({.count_max = 100, .idle_max = absl::Hours(1)});
  RawSocket first(port_);
  first.Send(kAsk);
  EXPECT_EQ(BodyOf(first.Receive()), "hello");
  RawSocket second(port_);
  EXPECT_TRUE(WaitUntil("the kernel, which counts in ticks, tells the two apart", [&] {
    second.Send(kAsk);
    EXPECT_EQ(BodyOf(second.Receive()), "hello");
    return SilentMs(first) >= SilentMs(second) + kTickMsMax;
  }));
  EXPECT_EQ(ShutDownExcess(port_, {.count_max = 1, .idle_max = absl::Hours(1)}), 1);
  EXPECT_TRUE(first.IsClosedByPeer());
  second.Send(kAsk);
  EXPECT_EQ(BodyOf(second.Receive()), "hello");
}

TEST_F(ConnectionsTest, OneIsClosedOnceItIsIdleForLongerThanTheLimit) {
  Start({.count_max = 100, .idle_max = absl::Hours(1)});
  RawSocket socket(port_);
  socket.Send(kAsk);
  EXPECT_EQ(BodyOf(socket.Receive()), "hello");
  EXPECT_EQ(ShutDownExcess(port_, {.count_max = 100, .idle_max = absl::Hours(1)}), 0);
  socket.Send(kAsk);
  EXPECT_EQ(BodyOf(socket.Receive()), "hello");
  // The kernel counts in ticks of some milliseconds.
  const ConnectionLimits none{.count_max = 100, .idle_max = absl::ZeroDuration()};
  EXPECT_TRUE(WaitUntil("it is idle", [&] { return ShutDownExcess(port_, none) == 1; }));
  EXPECT_TRUE(socket.IsClosedByPeer());
}

// All descriptors that the process may have, which are fewer than it had before.
class FewDescriptors : public ::testing::Test {
 protected:
  static constexpr int kLimit = 600;

  FewDescriptors() {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    const rlimit low{.rlim_cur = kLimit, .rlim_max = before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
    server_.Handle("GET", "/hello", [](const HttpRequest&, const Responder& respond) {
      respond({.content_type = "text/plain", .body = "hello"});
    });
    port_ = *server_.Start("127.0.0.1:0");
    used_.emplace(port_);
    Ask();
  }
  ~FewDescriptors() override {
    Release();
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }

  // Both ends of it are ours.
  void Connect() {
    const auto before = OpenDescriptors();
    silent_.emplace_back(port_);
    EXPECT_TRUE(WaitUntil("it is accepted", [&] { return OpenDescriptors() >= before + 2; }));
  }
  static ptrdiff_t OpenDescriptors() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  }
  void Ask() {
    used_->Send(kAsk);
    EXPECT_EQ(BodyOf(used_->Receive()), "hello");
  }
  // Takes that many other descriptors, or all that are left.
  void Take(int count) {
    while (count-- > 0) {
      const int fd = ::dup(STDERR_FILENO);
      if (fd < 0) return;
      taken_.push_back(fd);
    }
  }
  void Release() {
    for (const int fd : taken_) ::close(fd);
    taken_.clear();
  }
  int ClosedCount() {
    return static_cast<int>(std::count_if(silent_.begin(), silent_.end(),
                                          [](RawSocket& s) { return s.IsClosedByPeer(0); }));
  }

  rlimit before_{};
  HttpServer server_{{.connections_look_period = absl::Hours(1), .observer = {}}};
  int port_ = 0;
  std::optional<RawSocket> used_;
  std::list<RawSocket> silent_;
  std::vector<int> taken_;
};

TEST_F(FewDescriptors, AreLeftToOthersToo) {
  for (int i = 0; i < 100; ++i) Connect();
  const ConnectionLimits many{.count_max = 10'000, .idle_max = absl::Hours(1)};
  EXPECT_EQ(ShutDownExcess(port_, many), 0) << "there is room";
  Take(kLimit - kSpareDescriptors - 180);  // Both ends of the connections are ours.
  const int closed = ShutDownExcess(port_, many);
  EXPECT_GT(closed, 0);
  EXPECT_LT(closed, 100);
  Ask();
}

TEST_F(FewDescriptors, WhenNoneIsLeftForTheLookItStillSees) {
  for (int i = 0; i < 20; ++i) Connect();
  Take(kLimit);
  // All but those that the server could not accept any more.
  EXPECT_GE(ShutDownExcess(port_, {.count_max = 1, .idle_max = absl::Hours(1)}), 15);
  Ask();
}

TEST_F(FewDescriptors, AreNotWaitedForUntilTheNextLook) {
  for (int i = 0; i < 20; ++i) Connect();
  EXPECT_EQ(ClosedCount(), 0);
  EXPECT_EQ(GetDescriptorsLeft(), DescriptorsLeft::kFew);
  Take(kLimit);
  EXPECT_EQ(GetDescriptorsLeft(), DescriptorsLeft::kShort);
  EXPECT_TRUE(WaitUntil("one is closed", [this] { return ClosedCount() > 0; }));
  Ask();
}

// Whether a client that begins to connect now is let in within `patience`; on loopback that is
// known at once, if nobody else wants the processor.
bool IsLetIn(int port, int patience_ms) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  pollfd connected{.fd = fd, .events = POLLOUT, .revents = 0};
  const bool is_let_in = ::poll(&connected, 1, patience_ms) == 1;
  ::close(fd);
  return is_let_in;
}

TEST(StopAccepting, LetsNobodyInAnyMore) {
  const ListeningSocket listener;
  EXPECT_TRUE(IsLetIn(listener.port(), 10'000));
  ::close(::accept(listener.fd(), nullptr, nullptr));
  EXPECT_TRUE(StopAccepting(listener.port(), absl::ZeroDuration()));
  EXPECT_FALSE(IsLetIn(listener.port(), 0));
}

TEST(StopAccepting, WaitsForThoseThatAreLetInAlready) {
  const ListeningSocket listener;
  const RawSocket client(listener.port());
  EXPECT_FALSE(StopAccepting(listener.port(), absl::ZeroDuration()));
  auto stopped = std::async(std::launch::async, [&listener] {
    return StopAccepting(listener.port(), absl::Seconds(30));
  });
  const AcceptedSocket accepted(listener);
  EXPECT_TRUE(stopped.get());
}

// Of the calling thread.
absl::Duration ProcessorTime() {
  timespec time{};
  EXPECT_EQ(::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time), 0);
  return absl::DurationFromTimespec(time);
}

// An extender has thousands of connections of its own to agents, and few that it accepted.
TEST(Connections, ALookCostsLessThanAListOfAllDescriptors) {
  const ListeningSocket listener;
  std::vector<int> others;
  while (others.size() < 700) others.push_back(::socket(AF_INET, SOCK_STREAM, 0));
  absl::Duration look = absl::InfiniteDuration();
  absl::Duration list = absl::InfiniteDuration();
  for (int i = 0; i < 50; ++i) {
    const absl::Duration begin = ProcessorTime();
    EXPECT_EQ(ShutDownAccepted(listener.port(), absl::ZeroDuration()), 0);
    const absl::Duration middle = ProcessorTime();
    EXPECT_GT(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}), 700);
    look = std::min(look, middle - begin);
    list = std::min(list, ProcessorTime() - middle);
  }
  EXPECT_LT(look, list);
  for (const int fd : others) ::close(fd);
}

TEST(Connections, OneOfAHighNumberIsSeen) {
  const ListeningSocket listener;
  const RawSocket client(listener.port());
  const AcceptedSocket accepted(listener);
  const int high = ::fcntl(accepted.fd(), F_DUPFD_CLOEXEC, 1000);
  ASSERT_GE(high, 1000);
  EXPECT_EQ(ShutDownAccepted(listener.port(), absl::ZeroDuration()), 2);
  ::close(high);
}

TEST(Connections, OneThatWaitsForAnAnswerIsLeftToItsOwner) {
  HttpServer server;
  std::promise<Responder> held;
  server.Handle("GET", "/hold", [&held](const HttpRequest&, Responder respond) {
    held.set_value(std::move(respond));
  });
  const int port = *server.Start("127.0.0.1:0");
  RawSocket socket(port);
  socket.Send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  const Responder respond = held.get_future().get();
  EXPECT_EQ(ShutDownAccepted(port, absl::ZeroDuration()), 1);
  respond({});
  EXPECT_EQ(ShutDownAccepted(port, absl::InfiniteDuration()), 0);
}

// One connection, whose client's buffer is so small that what it does not read stays with us.
class SlowReadersTest : public ::testing::Test {
 protected:
  static constexpr absl::Duration kPatience = absl::Seconds(10);
  static constexpr absl::Duration kLookPeriod = absl::Seconds(5);
  static constexpr size_t kSmall = size_t{8} * 1024;
  static constexpr size_t kLarge = size_t{64} * 1024;

  void Write(size_t bytes) { EXPECT_TRUE(server_.Send(std::string(bytes, 'x'))); }
  void Read(size_t bytes) {
    std::string buffer(bytes, ' ');
    EXPECT_EQ(::recv(client_.fd(), buffer.data(), bytes, MSG_WAITALL), std::ssize(buffer));
  }
  int LeftBytes() {
    int left = 0;
    EXPECT_EQ(::ioctl(server_.fd(), SIOCOUTQ, &left), 0);
    return left;
  }
  // What the client has read it acknowledges a little later.
  void WaitUntilLeft(int bytes_max) {
    EXPECT_TRUE(WaitUntil("they are acknowledged", [&] { return LeftBytes() <= bytes_max; }));
  }
  // The next look.
  int ShutDown() {
    EXPECT_GT(LeftBytes(), 0);
    now_ += kLookPeriod;
    return slow_.ShutDown(listener_.port(), now_, kPatience);
  }

  ListeningSocket listener_;
  RawSocket client_{listener_.port(), 1};
  AcceptedSocket server_{listener_};
  SlowReaders slow_;
  absl::Time now_ = absl::UnixEpoch();
};

TEST_F(SlowReadersTest, AClientThatTakesNothingIsOneOnceThePatienceIsOver) {
  Write(kSmall);
  EXPECT_EQ(ShutDown(), 0);
  EXPECT_EQ(ShutDown(), 0);
  EXPECT_EQ(ShutDown(), 1);
}

TEST_F(SlowReadersTest, AClientThatTookEachAnswerIsNoneThoughTheNextIsOnItsWayAtEachLook) {
  for (int look = 0; look < 6; ++look) {
    Write(kSmall);
    EXPECT_EQ(ShutDown(), 0);
    Read(kSmall);
    WaitUntilLeft(0);
  }
}

TEST_F(SlowReadersTest, ForTheAnswerThatIsOnItsWayAClientHasTheWholePatience) {
  Write(kSmall);
  EXPECT_EQ(ShutDown(), 0);
  Read(kSmall);
  WaitUntilLeft(0);
  Write(kSmall);
  EXPECT_EQ(ShutDown(), 0);
  EXPECT_EQ(ShutDown(), 0);
  EXPECT_EQ(ShutDown(), 1);
}

TEST_F(SlowReadersTest, AClientThatTakesLittleOfALongAnswerIsOne) {
  Write(kLarge * 2);
  for (int look = 0; look < 2; ++look) {
    EXPECT_EQ(ShutDown(), 0);
    Read(kSmall);
  }
  EXPECT_EQ(ShutDown(), 1);
}

// Its owner can write no more than a buffer ahead, so that it does take what was there before.
TEST_F(SlowReadersTest, AClientThatTakesALongAnswerSlowlyIsOneThoughItTakesWhatWasThere) {
  Write(kLarge);
  for (int look = 0; look < 2; ++look) {
    EXPECT_EQ(ShutDown(), 0);
    Write(kLarge);
    Read(kLarge);
    WaitUntilLeft(kLarge);
  }
  EXPECT_EQ(ShutDown(), 1);
}

TEST_F(SlowReadersTest, AClientThatTakesALongAnswerFastEnoughIsNone) {
  Write(kLarge);
  for (int look = 0; look < 6; ++look) {
    EXPECT_EQ(ShutDown(), 0);
    for (int i = 0; i < 2; ++i) {
      Write(kLarge);
      Read(kLarge);
    }
    WaitUntilLeft(kLarge);
  }
}

}  // namespace
}  // namespace pmem
