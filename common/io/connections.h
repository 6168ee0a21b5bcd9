// SPDX-License-Identifier: Apache-2.0
// What cpprestsdk does not do for the connections of its listener: bound them, and end them without
// a crash. Done in the kernel, by descriptor: the library shows neither its sockets nor their ends.
#pragma once

#include <cstdint>
#include <map>

#include "absl/time/time.h"

namespace pmem {

// Shuts down the TCP connections (IPv4) that this process accepted on `port`, and waits at most
// `patience` until their owner has closed them all; connections accepted meanwhile are shut down
// too. Returns how many are left: those whose owner waits for something else than the peer. The
// owner must be alive. Thread-safe.
int ShutDownAccepted(int port, absl::Duration patience);

// From now on whoever begins to connect to `port` is not answered, until its listeners are closed.
// Waits at most `patience` until the connections that are complete have been accepted; false: some
// have not been. Thread-safe.
bool StopAccepting(int port, absl::Duration patience);

// Connections leave so many of the descriptors that the process may have to everything else: files,
// and connections of our own.
inline constexpr int64_t kSpareDescriptors = 128;
inline constexpr int64_t kFewDescriptors = 1024;
// As many are left open also where everything else takes what there is.
inline constexpr int64_t kConnectionsAlways = 16;

struct ConnectionLimits {
  int count_max = 0;        // Less where the process may not have so many descriptors.
  absl::Duration idle_max;  // Since a byte went either way; longer than any answer may take.
};

// Shuts down the connections accepted on `port` that are idle for longer than the limit, and of the
// rest as many as there are too many: first those whose client has never sent anything, then the
// longest idle. Returns how many. Works without a free descriptor. Thread-safe.
int ShutDownExcess(int port, const ConnectionLimits& limits);

// What a connection's owner has written into it and what of that its client has taken
// (acknowledged): bytes, since it began.
struct SentStream {
  uint64_t taken = 0;
  uint64_t written = 0;
};

// The connections whose clients do not take what they are sent. Not thread-safe.
class SlowReaders {
 public:
  // A client that takes less than this is slow.
  static constexpr int64_t kTakenPerSecondMin = int64_t{16} * 1024;
  // So little is on its way to a client that has taken all before it. Behind a slow one there is
  // more as long as its owner has more: the kernel's buffers are larger.
  static constexpr int64_t kOnItsWayMax = kTakenPerSecondMin;

  // Shuts down the connections accepted on `port` that had something left to send at each look
  // since `patience` ago, and whose clients were slow meanwhile. A client that has taken what there
  // was begins anew with what there is now: of small answers, one after the other, the last may be
  // on its way at every look. Returns how many.
  int ShutDown(int port, absl::Time now, absl::Duration patience);

 private:
  struct Sending {
    absl::Time since;
    SentStream then;
  };
  std::map<uint64_t, Sending> sending_;  // By the socket's cookie.
};

// How many bytes of clients may have been read since they were last answered. Beyond what is
// counted elsewhere, the bodies, that is what cpprestsdk holds of headers and chunks that it has
// not read to their ends.
struct RequestLimits {
  int64_t one_bytes_max = 0;  // Of one connection.
  int64_t all_bytes_max = 0;  // Of all together.
  int64_t held_bytes = 0;     // Of the bodies among them that are counted elsewhere, at most.
};

// The connections whose clients send more than a request may have. Not thread-safe.
class LongRequests {
 public:
  // Shuts down the connections accepted on `port` that are beyond the limits: of those that are too
  // much together the longest go first, and last those that may be the bodies that are held: nobody
  // knows whose these are, so that is the longest that are no more than them. A client that was
  // answered since the last look begins anew. Returns how many.
  int ShutDown(int port, const RequestLimits& limits);

 private:
  struct Answered {
    uint64_t written = 0;  // By the owner, so far.
    int64_t read = 0;      // By it, when that was last seen to have become more.
  };
  std::map<uint64_t, Answered> answered_;  // By the socket's cookie.
};

// The kernel's number of a socket, which no other socket ever has; 0: it is none. Thread-safe.
uint64_t SocketCookie(int fd);

// kFew: so many could be taken by work too little to be noticed. kShort: a look at the connections
// is due.
enum class DescriptorsLeft { kEnough, kFew, kShort };
// Cheap. Thread-safe.
DescriptorsLeft GetDescriptorsLeft();

}  // namespace pmem
