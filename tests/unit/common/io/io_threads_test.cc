// SPDX-License-Identifier: Apache-2.0
#include "common/io/io_threads.h"

#include <gtest/gtest.h>

#include "common/io/http_server.h"
#include "tests/support/event.h"
#include "tests/support/raw_socket.h"

namespace pmem {
namespace {

constexpr std::string_view kAsk = "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n";

TEST(IoThreads, MeetOnceNoneIsInTheMiddleOfSomething) {
  Event begun, may_end;
  HttpServer server;
  server.Handle("GET", "/wait", [&](const HttpRequest&, const Responder& respond) {
    begun.Set();
    may_end.Wait();
    respond({.body = "done"});
  });
  RawSocket client(*server.Start("127.0.0.1:0"));
  client.Send(kAsk);
  begun.Wait();
  EXPECT_FALSE(MeetIoThreads(absl::Milliseconds(100)));
  may_end.Set();
  EXPECT_EQ(BodyOf(client.Receive()), "done");
  EXPECT_TRUE(MeetIoThreads(absl::Seconds(30)));
}

}  // namespace
}  // namespace pmem
