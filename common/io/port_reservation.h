// SPDX-License-Identifier: Apache-2.0
// The port 0 of http_server.cc: a free one, which cpprestsdk cannot ask for.
#pragma once

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace pmem {

// Binds without listening, so that the number stays ours until cpprestsdk, which also sets
// SO_REUSEADDR, has bound it too.
class PortReservation {
 public:
  PortReservation() = default;
  ~PortReservation() {
    if (fd_ >= 0) ::close(fd_);
  }
  PortReservation(const PortReservation&) = delete;
  PortReservation& operator=(const PortReservation&) = delete;

  absl::StatusOr<int> Reserve(const std::string& host) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_family = AF_INET;
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(host.c_str(), "0", &hints, &found); error != 0) {
      return absl::InvalidArgumentError(absl::StrCat(host, ": ", ::gai_strerror(error)));
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
    fd_ = ::socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, 0);
    const int one = 1;
    sockaddr_in bound{};
    socklen_t size = sizeof(bound);
    if (fd_ < 0 || ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        ::bind(fd_, found->ai_addr, found->ai_addrlen) != 0 ||
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
      return absl::FailedPreconditionError(absl::StrCat(host, ": ", std::strerror(errno)));
    }
    return ntohs(bound.sin_port);
  }

 private:
  int fd_ = -1;
};

}  // namespace pmem
