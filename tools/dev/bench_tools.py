# SPDX-License-Identifier: Apache-2.0
"""What benchmarks of running programs have in common: start one, ask it, look at what it takes."""

import contextlib
import http.client
import multiprocessing
import os
import pathlib
import re
import subprocess
import time

READY_SECONDS_MAX = 120


@contextlib.contextmanager
def listening(command, directory):
    """The running process and the port that its first line names; what it logs goes to `directory`/log."""
    with open(directory / 'log', 'w') as log:
        process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            yield process, int(process.stdout.readline().rsplit(':', 1)[1])
        finally:
            process.terminate()
            process.wait()


def get(port, path, method='GET', body=None):
    """(status, text)"""
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=60)
    connection.request(method, path, body)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, text


def wait_until_ready(port, directory):
    end = time.monotonic() + READY_SECONDS_MAX
    while get(port, '/readyz')[0] != 200:
        if time.monotonic() > end:
            raise SystemExit(f'bench: not ready after {READY_SECONDS_MAX} s; see {directory / "log"}')
        time.sleep(0.01)


@contextlib.contextmanager
def serving(serve, *arguments, is_elsewhere=False):
    """A server in a process of its own: serve(*arguments, pipe) sends its port, which is yielded. `is_elsewhere`: it stands in
    for another machine, and gets what is left of this one."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(*arguments, theirs), daemon=True)
    process.start()
    if is_elsewhere:
        use_what_is_left(process.pid)
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def use_what_is_left(pid):
    """The process has the processor when nobody else wants it: for a stand-in of what has a machine of its own."""
    os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))


def status_number(process, key):
    """A number of /proc/PID/status: threads, or bytes where the kernel says kB."""
    status = pathlib.Path(f'/proc/{process.pid}/status').read_text()
    number, unit = re.search(rf'(?m)^{key}:\s+(\d+)( kB)?', status).groups()
    return int(number) << (10 if unit else 0)


def quantile(ordered, share):
    return ordered[int(share * (len(ordered) - 1))]
