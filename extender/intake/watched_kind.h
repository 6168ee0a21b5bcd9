// SPDX-License-Identifier: Apache-2.0
// What a WatchLoop watches: the kind's decoder, the set collected so far, and where objects go. The
// loop knows the protocol, this knows the type.
//
// Not thread-safe: used by the loop's own thread only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/pure/status_macros.h"
#include "extender/core/event.h"
#include "extender/core/kube_decode.h"
#include "extender/core/reflector_state.h"

namespace pmem::extender {

// Objects of one kind that a list may have, the same ones again included; half of them may differ,
// twice as many as the largest cluster that we measure has. More is a server that never ends its
// list.
inline constexpr size_t kCollectedMax = 400'000;

struct ListFacts {
  std::string resource_version;
  std::string continue_token;
};

struct EventFacts {
  WatchEventType type = WatchEventType::kBookmark;
  std::string resource_version;
  ApiFailure failure;
  absl::Status object_error;
};

class WatchedKind {
 public:
  virtual ~WatchedKind() = default;
  // Forgets what was collected.
  virtual void BeginAnew() = 0;
  // Reads an item of a list, which is collected; one that is no such object is left out and told of
  // in *object_error. ResourceExhausted: they are too many. InvalidArgument: it is not JSON.
  virtual absl::Status ReadItem(std::string_view json, absl::Status* object_error) = 0;
  // Reads a list without its items.
  virtual absl::StatusOr<ListFacts> ReadFrame(std::string_view json) = 0;
  // Reads an event; what to do with its object comes with the next Perform.
  virtual absl::StatusOr<EventFacts> ReadEvent(std::string_view line) = 0;
  virtual void Perform(ReflectorAction action) = 0;
};

// Gets the objects, on the loop's thread, in the watch's order.
template <class T>
class ObjectSink {
 public:
  virtual ~ObjectSink() = default;
  virtual void OnSeen(T object) = 0;
  virtual void OnGone(T last) = 0;
  virtual void OnRelisted(Relisted<T> list) = 0;  // Sorted by key.
};

// Hands them on as events of the core.
template <class T>
class EventObjectSink final : public ObjectSink<T> {
 public:
  explicit EventObjectSink(EventSink* events) : events_(events) {}
  void OnSeen(T object) override { events_->Emit(Seen<T>{std::move(object)}); }
  void OnGone(T last) override { events_->Emit(Gone<T>{std::move(last)}); }
  void OnRelisted(Relisted<T> list) override { events_->Emit(std::move(list)); }

 private:
  EventSink* const events_;
};

template <class T>
class TypedKind final : public WatchedKind {
 public:
  explicit TypedKind(ObjectSink<T>* sink, size_t collected_max = kCollectedMax)
      : sink_(sink), collected_max_(collected_max) {}

  void BeginAnew() override { collected_ = {}; }

  absl::Status ReadItem(std::string_view json, absl::Status* object_error) override {
    PMEM_ASSIGN_OR_RETURN(DecodedItem<T> item, DecodeItem<T>(json));
    *object_error = item.object.status();
    return item.object.ok() ? Collect(*std::move(item.object)) : absl::OkStatus();
  }

  absl::StatusOr<ListFacts> ReadFrame(std::string_view json) override {
    PMEM_ASSIGN_OR_RETURN(DecodedList<T> list, DecodeList<T>(json));
    list_version_ = list.resource_version;
    return ListFacts{.resource_version = std::move(list.resource_version),
                     .continue_token = std::move(list.continue_token)};
  }

  absl::StatusOr<EventFacts> ReadEvent(std::string_view line) override {
    object_.reset();
    absl::StatusOr<DecodedEvent<T>> event = DecodeWatchEvent<T>(line);
    if (!event.ok()) return event.status();
    EventFacts facts{.type = event->type,
                     .resource_version = std::move(event->resource_version),
                     .failure = std::move(event->failure),
                     .object_error = event->object.status()};
    is_gone_ = event->type == WatchEventType::kDeleted;
    if (event->object.ok()) object_ = *std::move(event->object);
    return facts;
  }

  void Perform(ReflectorAction action) override {
    const bool is_set_back = action == ReflectorAction::kPublishSetBack;
    if (action == ReflectorAction::kPublish || is_set_back) {
      sink_->OnRelisted({.objects = Whole(), .version = list_version_, .is_set_back = is_set_back});
    } else if (action == ReflectorAction::kApply && object_.has_value()) {
      Apply(*std::move(object_));
    }
    object_.reset();
  }

 private:
  void Apply(T object) {
    is_gone_ ? sink_->OnGone(std::move(object)) : sink_->OnSeen(std::move(object));
  }

  // What came twice counts once, but is looked for only when it would be too much.
  absl::Status Collect(T object) {
    if (collected_.size() >= collected_max_) {
      collected_ = Whole();
      // Half, so that the set is not sorted for each one that comes.
      if (collected_.size() > collected_max_ / 2) {
        return absl::ResourceExhaustedError(
            absl::StrCat("more than ", collected_max_ / 2, " objects, and no end"));
      }
    }
    collected_.push_back(std::move(object));
    return absl::OkStatus();
  }

  // Takes what was collected, sorted by key, as it mostly comes. Of what has the same key the last
  // counts.
  std::vector<T> Whole() {
    std::vector<T> collected = std::exchange(collected_, {});
    const auto is_not_before = [](const T& a, const T& b) { return !(a.meta.key < b.meta.key); };
    if (std::adjacent_find(collected.begin(), collected.end(), is_not_before) == collected.end()) {
      return collected;
    }
    std::vector<size_t> order(collected.size());
    std::iota(order.begin(), order.end(), size_t{0});
    const auto key = [&collected](size_t i) -> const ObjectKey& { return collected[i].meta.key; };
    std::stable_sort(order.begin(), order.end(),
                     [&key](size_t a, size_t b) { return key(a) < key(b); });
    std::vector<T> objects;
    objects.reserve(order.size());
    for (size_t i = 0; i < order.size(); ++i) {
      const bool is_last = i + 1 == order.size() || key(order[i]) != key(order[i + 1]);
      if (is_last) objects.push_back(std::move(collected[order[i]]));
    }
    return objects;
  }

  ObjectSink<T>* const sink_;
  const size_t collected_max_;
  // In one block of memory, in the order they came: tens of thousands of nodes of a map would leave
  // as many holes between what stays.
  std::vector<T> collected_;
  std::string list_version_;  // Of the last frame read.
  std::optional<T> object_;   // Of the last event read.
  bool is_gone_ = false;
};

}  // namespace pmem::extender
