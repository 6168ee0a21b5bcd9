# SPDX-License-Identifier: Apache-2.0
"""Waiting for a condition, with a deadline; the only place that lets time pass."""

import time

POLL_SECONDS = 0.05


class Timeout(AssertionError):
    """A condition did not come true in time."""


def until(check, what, seconds=20.0, poll=POLL_SECONDS, accepts=bool):
    """The first value of check() that is accepted, asked again and again; Timeout with the last one else."""
    deadline = time.monotonic() + seconds
    while True:
        value = check()
        if accepts(value):
            return value
        if time.monotonic() > deadline:
            raise Timeout(f'after {seconds} s still not: {what} (last seen: {value!r})')
        time.sleep(poll)
