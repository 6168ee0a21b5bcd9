// SPDX-License-Identifier: Apache-2.0
// How much of what was freed stays with the process. Of the C library's allocator; nothing happens
// with another one. Thread-safe.
#pragma once

namespace pmem {

// Threads share two heaps instead of having one each, whose holes nobody else can use. Call it
// first thing in main.
void ShareHeaps();

// Gives whole pages without anything on them back to the kernel. Takes some milliseconds for each
// 100 MB, while which whoever allocates waits: for the end of a time that needed far more than is
// kept.
void GiveBackFreedPages();

}  // namespace pmem
