# SPDX-License-Identifier: Apache-2.0
"""Starts programs, knows when they are ready, ends them whatever happens."""

import ctypes
import os
import pathlib
import re
import signal
import socket
import subprocess

from . import waiting

STOP_SECONDS = 6
LOG_TAIL_BYTES = 3000
# What a sanitizer says goes to a program's log, and is an error also where nobody looks at how the program ended.
_SANITIZER_WORDS = ('Sanitizer: ', 'runtime error: ')
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def free_port(host='127.0.0.1'):
    """A port that was free a moment ago. Whoever starts a server on it retries on collision."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def sanitizer_findings(text):
    """Lines of a log in which a sanitizer says what it found."""
    return [line for line in text.splitlines() if any(word in line for word in _SANITIZER_WORDS)]


class ProcessFailed(RuntimeError):
    """A program ended, or never said that it was ready."""


class Process:
    """One program in a process group of its own, which the kernel kills when we die."""

    def __init__(self, name, argv, log, env=None):
        self.name = name
        self.argv = [str(a) for a in argv]
        self.log = pathlib.Path(log)
        with self.log.open('ab') as out:
            self._log_start = out.tell()
            self._popen = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=_die_with_parent,
                env=dict(os.environ, **(env or {})),
            )

    @property
    def pid(self):
        return self._popen.pid

    def exit_code(self):
        """None while it runs."""
        return self._popen.poll()

    def cpu_seconds(self):
        """Processor time of the process itself so far, kernel's included."""
        fields = pathlib.Path(f'/proc/{self.pid}/stat').read_text().rsplit(')', 1)[1].split()
        return sum(int(ticks) for ticks in fields[11:13]) / os.sysconf('SC_CLK_TCK')

    def output(self):
        """What this run of the program has written so far."""
        with self.log.open('rb') as log:
            log.seek(self._log_start)
            return log.read().decode(errors='replace')

    def wait_for_line(self, pattern, seconds=20):
        """The match of `pattern` in the output; ProcessFailed when the program ends before."""

        def look():
            match = re.search(pattern, self.output())
            if not match and self.exit_code() is not None:
                raise ProcessFailed(
                    f'{self.name} ended with code {self.exit_code()}:\n{self.output()[-LOG_TAIL_BYTES:]}'
                )
            return match

        return waiting.until(look, f'{self.name} says {pattern!r}', seconds)

    def signal(self, number):
        if self.exit_code() is None:
            os.killpg(self.pid, number)

    def stop(self, seconds=STOP_SECONDS):
        """SIGTERM, then SIGKILL for the group. Returns the exit code; negative: ended by that signal."""
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self):
        self.signal(signal.SIGKILL)
        return self._popen.wait()


class Supervisor:
    """All programs of one cluster; ends them in the reverse order of their start."""

    def __init__(self, logs):
        self.logs = pathlib.Path(logs)
        self.logs.mkdir(parents=True, exist_ok=True)
        self.running = {}

    def start(self, name, argv, env=None):
        process = Process(name, argv, self.logs / f'{name}.log', env)
        self.running[name] = process
        return process

    def stop_all(self, killed=()):
        """Those of these names come last, and are not asked to end."""
        asked = [process for name, process in reversed(self.running.items()) if name not in killed]
        for process in asked:
            process.signal(signal.SIGCONT)
            process.signal(signal.SIGTERM)
        for process in asked:
            process.stop()
        for process in self.running.values():
            process.kill()
        self.running.clear()


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
