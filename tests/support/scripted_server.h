// SPDX-License-Identifier: Apache-2.0
// A server that sends exactly the bytes it is told, for clients that must survive anything.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/io/periodic_task.h"
#include "tests/support/raw_socket.h"

namespace pmem {

// Accepts one connection, reads one request head and lets `script` talk; closes when it returns.
class ScriptedServer {
 public:
  using Script = std::function<void(AcceptedSocket& socket)>;

  explicit ScriptedServer(Script script, bool is_ipv6 = false)
      : is_ipv6_(is_ipv6),
        listener_(is_ipv6),
        thread_("scripted", [this, script = std::move(script)] {
          AcceptedSocket socket(listener_);
          socket.ReadHead();
          script(socket);
        }) {}

  ~ScriptedServer() { listener_.Shutdown(); }

  std::string url() const {
    return (is_ipv6_ ? "http://[::1]:" : "http://127.0.0.1:") + std::to_string(listener_.port());
  }
  // False: the machine cannot.
  bool is_listening() const { return listener_.port() != 0; }

 private:
  const bool is_ipv6_;
  ListeningSocket listener_;
  Thread thread_;
};

}  // namespace pmem
