// SPDX-License-Identifier: Apache-2.0
// A client that sends exactly the bytes it is told, for servers that must survive anything.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace pmem {

class RawSocket {
 public:
  // `receive_buffer_bytes`: what it takes before it is read; 0: as the system has it.
  explicit RawSocket(int port, int receive_buffer_bytes = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer_bytes > 0) {
      // Before it connects: what was offered once is not taken back.
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof(receive_buffer_bytes));
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    is_connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~RawSocket() { Close(); }
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;

  bool is_connected() const { return is_connected_; }
  int fd() const { return fd_; }

  // False: the other side is gone.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  // One whole HTTP response with a Content-Length: head and body. What came, when the other side
  // closes or is silent for `silence_ms`.
  std::string Receive(int silence_ms = 10'000) {
    while (!HasWholeResponse() && Fill(silence_ms)) {
    }
    const size_t size = std::min(ResponseBytes(), received_.size());
    std::string response = received_.substr(0, size);
    received_.erase(0, size);
    return response;
  }

  // Whether the other side closes within the time.
  bool IsClosedByPeer(int silence_ms = 10'000) {
    while (Fill(silence_ms)) {
    }
    return is_eof_;
  }

  void Close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  bool Fill(int silence_ms) {
    pollfd waited{.fd = fd_, .events = POLLIN, .revents = 0};
    if (::poll(&waited, 1, silence_ms) <= 0) return false;
    char buffer[65536];
    const ssize_t got = ::recv(fd_, buffer, sizeof(buffer), 0);
    is_eof_ = got <= 0;
    if (got > 0) received_.append(buffer, static_cast<size_t>(got));
    return got > 0;
  }
  bool HasWholeResponse() const { return received_.size() >= ResponseBytes(); }
  size_t ResponseBytes() const {
    const size_t head = received_.find("\r\n\r\n");
    if (head == std::string::npos) return std::string::npos;
    const size_t field = received_.find("Content-Length: ");
    if (field == std::string::npos || field > head) return head + 4;
    return head + 4 + std::stoul(received_.substr(field + 16, 20));
  }

  int fd_;
  bool is_connected_ = false;
  bool is_eof_ = false;
  std::string received_;
};

// Somebody else's server: it listens and never answers.
class ListeningSocket {
 public:
  // On 127.0.0.1, or on ::1; port 0 when the machine has none of the kind.
  explicit ListeningSocket(bool is_ipv6 = false)
      : fd_(::socket(is_ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in6 v6{.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    sockaddr_in v4{.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    auto* const address =
        is_ipv6 ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4);
    socklen_t size = is_ipv6 ? sizeof(v6) : sizeof(v4);
    if (::bind(fd_, address, size) != 0) return;
    ::listen(fd_, 16);
    ::getsockname(fd_, address, &size);
    port_ = ntohs(is_ipv6 ? v6.sin6_port : v4.sin_port);
  }
  ~ListeningSocket() { ::close(fd_); }
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;

  int port() const { return port_; }
  int fd() const { return fd_; }
  // Who waits for a connection waits no longer.
  void Shutdown() { ::shutdown(fd_, SHUT_RDWR); }

 private:
  int fd_;
  int port_ = 0;
};

// The server's end of one connection. Waits for it when it is made.
class AcceptedSocket {
 public:
  explicit AcceptedSocket(const ListeningSocket& listener)
      : fd_(::accept(listener.fd(), nullptr, nullptr)) {}
  ~AcceptedSocket() { ::close(fd_); }
  AcceptedSocket(const AcceptedSocket&) = delete;
  AcceptedSocket& operator=(const AcceptedSocket&) = delete;

  int fd() const { return fd_; }

  // False: the client is gone.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  // Reads the head of the next request.
  void ReadHead() {
    head_.clear();
    for (char c = 0; !head_.ends_with("\r\n\r\n") && ::recv(fd_, &c, 1, 0) == 1;)
      head_.push_back(c);
  }
  const std::string& head() const { return head_; }

  void WaitUntilClientCloses() {
    char buffer[4096];
    while (::recv(fd_, buffer, sizeof(buffer), 0) > 0) {
    }
  }

 private:
  int fd_;
  std::string head_;
};

// "200" of "HTTP/1.1 200 OK…"; empty when there is none.
inline std::string StatusOf(std::string_view response) {
  return response.starts_with("HTTP/1.1 ") ? std::string(response.substr(9, 3)) : std::string();
}

inline std::string BodyOf(std::string_view response) {
  const size_t head = response.find("\r\n\r\n");
  return head == std::string_view::npos ? std::string() : std::string(response.substr(head + 4));
}

}  // namespace pmem
