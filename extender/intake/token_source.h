// SPDX-License-Identifier: Apache-2.0
// The bearer token for each request. A token file is opened anew by its path at most every
// kTokenReadPeriod (the kubelet swaps the folder it is in), and at once after a 401. While the file
// cannot be read, the last token goes on being used.
//
// Thread-safe.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/io/clock.h"
#include "common/io/mutex.h"

namespace pmem::extender {

inline constexpr absl::Duration kTokenReadPeriod = absl::Seconds(50);
inline constexpr int64_t kTokenBytesMax = int64_t{64} * 1024;

class TokenSource {
 public:
  // `token` is used as it is; else `token_file` is read; both empty: no token.
  TokenSource(std::string token, std::string token_file, const Clock* clock);

  // Empty: send none. An error only when the file could never be read.
  absl::StatusOr<std::string> Token() ABSL_LOCKS_EXCLUDED(mu_);

  // The API server answered 401: the next Token() reads the file. False: there is none, asking
  // again is no use.
  bool Reject() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  Mutex mu_;
  std::string token_ ABSL_GUARDED_BY(mu_);
  absl::Time read_at_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  const std::string token_file_;
  const Clock* const clock_;
};

}  // namespace pmem::extender
