// SPDX-License-Identifier: Apache-2.0
// Objects in the order of a text that each of them holds (its name or UID), which is not kept a
// second time. Each lies in a block of its own: it stays where it is until it is replaced or
// erased, and a tree of large values, whose nodes are half empty, is spared.
//
// Iterates like a map: entries with `first`, the text, and `second`, the object. Not thread-safe.
#pragma once

#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/btree_set.h"

namespace pmem::extender {

template <class T, const std::string& (*kTextOf)(const T&)>
class ObjectTable {
  struct Less {
    using is_transparent = void;
    static std::string_view Text(std::string_view text) { return text; }
    static std::string_view Text(const std::unique_ptr<T>& object) { return kTextOf(*object); }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return Text(a) < Text(b);
    }
  };
  using Set = absl::btree_set<std::unique_ptr<T>, Less>;

 public:
  struct Entry {
    const std::string& first;
    const T& second;
    const Entry* operator->() const { return this; }
  };
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Entry;
    using difference_type = std::ptrdiff_t;
    using pointer = Entry;
    using reference = Entry;

    explicit Iterator(typename Set::const_iterator at) : at_(at) {}
    Entry operator*() const { return {kTextOf(**at_), **at_}; }
    Entry operator->() const { return **this; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    bool operator==(const Iterator& other) const = default;

   private:
    typename Set::const_iterator at_;
  };

  Iterator begin() const { return Iterator(set_.begin()); }
  Iterator end() const { return Iterator(set_.end()); }
  Iterator upper_bound(std::string_view text) const { return Iterator(set_.upper_bound(text)); }
  size_t size() const { return set_.size(); }
  bool empty() const { return set_.empty(); }

  const T* Find(std::string_view text) const {
    const auto it = set_.find(text);
    return it == set_.end() ? nullptr : it->get();
  }

  // Replaces the object with that text, in its place, or adds it.
  const T& Put(T object) {
    const auto it = set_.find(std::string_view(kTextOf(object)));
    if (it == set_.end()) return **set_.insert(std::make_unique<T>(std::move(object))).first;
    return **it = std::move(object);
  }

  void Erase(std::string_view text) {
    if (const auto it = set_.find(text); it != set_.end()) set_.erase(it);
  }

 private:
  Set set_;
};

}  // namespace pmem::extender
