// SPDX-License-Identifier: Apache-2.0
#include "common/io/worker_pool.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/support/event.h"

namespace pmem {
namespace {

TEST(WorkerPool, WorkThatThrowsEndsNothingElse) {
  Event is_done;
  WorkerPool pool("test", 1, 2);
  const auto letting_go = std::make_shared<int>(0);
  ASSERT_TRUE(pool.Submit([letting_go] { throw std::runtime_error("no memory"); }));
  ASSERT_TRUE(pool.Submit([&is_done] { is_done.Set(); }));
  is_done.Wait();
  EXPECT_EQ(letting_go.use_count(), 1) << "who waits for its end must hear of it";
}

TEST(WorkerPool, WhoFindsTheQueueFullIsTold) {
  Event is_running;
  Event may_end;
  WorkerPool pool("test", 1, 1);
  ASSERT_TRUE(pool.Submit([&] {
    is_running.Set();
    may_end.Wait();
  }));
  is_running.Wait();
  EXPECT_TRUE(pool.Submit([] {}));
  EXPECT_FALSE(pool.Submit([] {}));
  may_end.Set();
}

}  // namespace
}  // namespace pmem
