// SPDX-License-Identifier: Apache-2.0
// How much memory all bodies of a server may take together, of its requests or of its answers.
// Thread-safe.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace pmem {

class BodyBudget {
 public:
  explicit BodyBudget(size_t bytes_max) : bytes_max_(bytes_max) {}

  // False, and nothing is taken: so much is not left.
  bool Take(size_t bytes) {
    size_t taken = taken_;
    do {
      if (bytes > bytes_max_ - taken) return false;
    } while (!taken_.compare_exchange_weak(taken, taken + bytes));
    return true;
  }
  void Give(size_t bytes) { taken_ -= bytes; }
  size_t taken() const { return taken_; }
  bool IsOverHalf() const { return taken_ > bytes_max_ / 2; }
  // Whether with so many more it would not be over half. Of threads that ask at once some may be
  // told so wrongly: for what is a matter of speed alone.
  bool IsPlenty(size_t bytes) const {
    const size_t half = bytes_max_ / 2;
    const size_t taken = taken_;
    return taken <= half && bytes <= half - taken;
  }

 private:
  const size_t bytes_max_;
  std::atomic<size_t> taken_{0};  // Never more than bytes_max_.
};

// One body's part of it, which goes back when the lease ends. For one thread at a time.
class BodyLease {
 public:
  explicit BodyLease(std::shared_ptr<BodyBudget> budget) : budget_(std::move(budget)) {}
  ~BodyLease() { budget_->Give(bytes_); }
  BodyLease(const BodyLease&) = delete;
  BodyLease& operator=(const BodyLease&) = delete;

  // False, and nothing changes: the budget has not so much left.
  bool Resize(size_t bytes) {
    if (bytes > bytes_ && !budget_->Take(bytes - bytes_)) return false;
    if (bytes < bytes_) budget_->Give(bytes_ - bytes);
    bytes_ = bytes;
    return true;
  }
  bool HasPlentyFor(size_t bytes) const { return budget_->IsPlenty(bytes); }

 private:
  const std::shared_ptr<BodyBudget> budget_;
  size_t bytes_ = 0;
};

}  // namespace pmem
