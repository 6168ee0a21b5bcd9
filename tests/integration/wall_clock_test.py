# SPDX-License-Identifier: Apache-2.0
"""The wall clock is set while a program waits: what was to take 300 ms takes 300 ms."""

import json
import subprocess
import time

import agent_test

# As if the clock had been an hour ahead when the wait began, and was set back then: a wait until a time of that clock lasts
# an hour longer.
AHEAD = """
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec* now) {
  const int failed = syscall(SYS_clock_gettime, id, now);
  if (id == CLOCK_REALTIME) now->tv_sec += 3600;
  return failed;
}
int gettimeofday(struct timeval* restrict now, void* restrict zone) {
  (void)zone;
  struct timespec exact;
  clock_gettime(CLOCK_REALTIME, &exact);
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}
"""


def test_a_wait_is_measured_on_the_steady_clock(tmp_path):
    library = tmp_path / 'ahead.so'
    subprocess.run(['cc', '-shared', '-fPIC', '-x', 'c', '-', '-o', library], input=AHEAD, text=True, check=True)
    (tmp_path / 'devices.json').write_text(json.dumps(agent_test.devices('disk-a')))
    agent = agent_test.Agent(tmp_path, environment={'LD_PRELOAD': str(library)})
    try:
        known = agent.report()['generation']
        began = time.monotonic()
        assert agent.get(f'/v1/capacity?generation={known}&wait=300ms')[0] == 304
        assert time.monotonic() - began < agent_test.NOTICE_SECONDS_MAX
    finally:
        agent.close()
