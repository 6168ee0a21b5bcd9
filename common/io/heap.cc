// SPDX-License-Identifier: Apache-2.0
#include "common/io/heap.h"

#include <malloc.h>

namespace pmem {
namespace {

constexpr int kHeapsMax = 2;

}  // namespace

void ShareHeaps() { mallopt(M_ARENA_MAX, kHeapsMax); }

void GiveBackFreedPages() { malloc_trim(0); }

}  // namespace pmem
