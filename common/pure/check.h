// SPDX-License-Identifier: Apache-2.0
// PMEM_CHECK states what our own code guarantees. It is never for input: input gets a Status.
// Always on, unlike assert(), which vanishes with b_ndebug. Thread-safe.
#pragma once

#include <cstdio>
#include <cstdlib>

#define PMEM_CHECK(condition)                                                                \
  do {                                                                                       \
    if (!(condition)) [[unlikely]] {                                                         \
      std::fprintf(stderr, "%s:%d: broken guarantee: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                          \
    }                                                                                        \
  } while (false)
