// SPDX-License-Identifier: Apache-2.0
// Lets the host of a test machine speak to a unix socket in it, through a forwarded port:
//   unix-relay PORT /PATH
// A connection for which the socket does not answer is closed at once. One process for each: the
// machine's own client would take it longer to start than the call takes.
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr int kBacklog = 16;
constexpr size_t kChunkBytes = 65536;

int ConnectTo(const char* path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return fd;
  close(fd);
  return -1;
}

// False: one of them has ended.
bool Move(int from, int to) {
  char chunk[kChunkBytes];
  const ssize_t got = read(from, chunk, sizeof(chunk));
  if (got <= 0) return false;
  for (ssize_t done = 0; done < got;) {
    const ssize_t put = write(to, chunk + done, static_cast<size_t>(got - done));
    if (put <= 0) return false;
    done += put;
  }
  return true;
}

void Relay(int left, int right) {
  pollfd ends[2] = {{left, POLLIN, 0}, {right, POLLIN, 0}};
  while (poll(ends, 2, -1) > 0) {
    if (ends[0].revents != 0 && !Move(left, right)) return;
    if (ends[1].revents != 0 && !Move(right, left)) return;
  }
}

int Listen(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return -1;
  return listen(fd, kBacklog) == 0 ? fd : -1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return EXIT_FAILURE;
  std::signal(SIGCHLD, SIG_IGN);
  const int listener = Listen(std::atoi(argv[1]));
  if (listener < 0) {
    std::perror("unix-relay");
    return EXIT_FAILURE;
  }
  while (true) {
    const int client = accept(listener, nullptr, nullptr);
    if (client < 0) continue;
    if (fork() == 0) {
      const int server = ConnectTo(argv[2]);
      if (server >= 0) Relay(client, server);
      return EXIT_SUCCESS;
    }
    close(client);
  }
}
