// SPDX-License-Identifier: Apache-2.0
// One watch of one kind, from the API server to one replica: in order, late, sometimes twice, with
// gaps that a new list closes.
#pragma once

#include <functional>
#include <memory>

#include "tests/simulator/stage.h"
#include "tests/support/random.h"

namespace pmem::extender::simulator {

class Stream {
 public:
  using Deliver = std::function<void(const Event&)>;
  // Lists at once. Nothing is delivered once the stream is destroyed.
  Stream(Stage& stage, Kind kind, uint64_t salt, Deliver deliver);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Lists the kind anew; Listed of that round follows.
  void Relist(int64_t round);
  // What comes from now on arrives after that time.
  void Stall(absl::Duration lasts);
  // What is on its way is lost; after a while the kind is listed anew.
  void Break();

 private:
  void Push(const Event& event);
  void BreakFor(absl::Duration least, absl::Duration most);
  void List();
  absl::Duration Delay();

  Stage& stage_;
  const Kind kind_;
  Random random_;
  Deliver deliver_;
  int handle_ = 0;
  bool is_broken_ = false;
  int64_t round_ = 0;
  absl::Time last_ = absl::InfinitePast();  // When the last event under way arrives.
  std::shared_ptr<int> epoch_;              // Events of an earlier one are lost.
};

}  // namespace pmem::extender::simulator
