// SPDX-License-Identifier: Apache-2.0
// An EventSink that keeps what it gets; tests wait for events instead of for time. Thread-safe.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/io/mutex.h"
#include "common/pure/absl_view.h"
#include "extender/core/event.h"
#include "tests/support/wait_until.h"

namespace pmem::extender {

class RecordingSink final : public EventSink {
 public:
  void Emit(Event event) override {
    MutexLock lock(&mu_);
    events_.push_back(std::move(event));
    changed_.SignalAll();
  }

  // One short text per event, in order: "seen n1", "gone x/p", "relisted a b", "listed pods 1",
  // "report n1 7", "confirmed n1", "failed n1: message", "agents n1 n2". Waits (at most half a
  // minute) for `count`.
  std::vector<std::string> WaitFor(size_t count) {
    MutexLock lock(&mu_);
    WaitUntil("so many events came", &mu_, &changed_,
              [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return events_.size() >= count; });
    std::vector<std::string> texts;
    for (const Event& event : events_) {
      texts.push_back(std::visit([](const auto& e) { return Text(e); }, event));
    }
    return texts;
  }

 private:
  static std::string Key(const ObjectKey& key) {
    return key.kube_namespace.empty() ? key.name : absl::StrCat(key.kube_namespace, "/", key.name);
  }
  template <class T>
  static std::string Text(const Seen<T>& event) {
    return absl::StrCat("seen ", Key(event.object.meta.key));
  }
  template <class T>
  static std::string Text(const Gone<T>& event) {
    return absl::StrCat("gone ", Key(event.last.meta.key));
  }
  template <class T>
  static std::string Text(const Relisted<T>& event) {
    std::string text = "relisted";
    for (const T& object : event.objects) absl::StrAppend(&text, " ", Key(object.meta.key));
    return text;
  }
  static std::string Text(const Listed& event) {
    return absl::StrCat("listed ", AbslView(ObjectKindName(event.kind)), " ", event.round);
  }
  static std::string Text(const ReportReceived& event) {
    return absl::StrCat("report ", event.report->node, " ", event.report->generation);
  }
  static std::string Text(const AgentConfirmed& event) {
    return absl::StrCat("confirmed ", event.node);
  }
  static std::string Text(const AgentFailed& event) {
    return absl::StrCat("failed ", event.node, ": ", event.message);
  }
  static std::string Text(const AgentsListed& event) {
    std::string text = "agents";
    for (const std::string& node : event.nodes) absl::StrAppend(&text, " ", node);
    return text;
  }

  Mutex mu_;
  CondVar changed_;
  std::vector<Event> events_ ABSL_GUARDED_BY(mu_);
};

}  // namespace pmem::extender
