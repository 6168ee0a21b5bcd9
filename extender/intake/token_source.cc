// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/token_source.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "common/io/files.h"

namespace pmem::extender {

TokenSource::TokenSource(std::string token, std::string token_file, const Clock* clock)
    : token_(std::move(token)), token_file_(std::move(token_file)), clock_(clock) {}

absl::StatusOr<std::string> TokenSource::Token() {
  const absl::Time now = clock_->SteadyNow();
  {
    MutexLock lock(&mu_);
    if (token_file_.empty() || now - read_at_ < kTokenReadPeriod) return token_;
  }
  absl::StatusOr<std::string> text = ReadFile(token_file_, kTokenBytesMax);
  MutexLock lock(&mu_);
  if (!text.ok()) {
    if (token_.empty()) return text.status();
    return token_;
  }
  token_ = std::string(absl::StripAsciiWhitespace(*text));
  read_at_ = now;
  return token_;
}

bool TokenSource::Reject() {
  MutexLock lock(&mu_);
  read_at_ = absl::InfinitePast();
  return !token_file_.empty();
}

}  // namespace pmem::extender
