# SPDX-License-Identifier: Apache-2.0
"""Runs steps and says how they went: one line each with its seconds, the end of the log on failure."""

import dataclasses
import pathlib
import signal
import subprocess
import sys
import threading
import time

import tables

TAIL_LINES = 40
HEARTBEAT_SECONDS = 60
# For tests that hang; the longest take half of it on a slow day. The guest's and the walkthrough's own limits come first. What
# compiles behind everything else may take longer than that, and ends by itself.
COMMAND_SECONDS_MAX = 2700
# A tenth of another session's part; the lowest, a seventieth, would be nothing on a machine that others use, too.
SESSION_NICE = 10
# How a command is told to end: pytest writes what it has counted on the first, and meson ends its tests on the second.
ENDINGS = ((signal.SIGINT, 60), (signal.SIGTERM, 10), (signal.SIGKILL, None))


@dataclasses.dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    skip_reasons: list = dataclasses.field(default_factory=list)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.skip_reasons += other.skip_reasons

    def __str__(self):
        return f'{self.passed} passed, {self.failed} failed, {self.skipped} skipped'


class Board:
    """Prints the lines of steps that run in several threads. Thread-safe."""

    def __init__(self, logs, out=sys.stdout):
        self.out = out
        self.logs = pathlib.Path(logs)
        self.logs.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._running = {}
        self._last_line = time.monotonic()
        threading.Thread(target=self._heartbeat, daemon=True).start()

    def _heartbeat(self):
        while True:
            time.sleep(1)
            with self._lock:
                if self._running and time.monotonic() - self._last_line > HEARTBEAT_SECONDS:
                    now = time.monotonic()
                    self._print(
                        '..',
                        ', '.join(f'{n} ({now - t:.0f} s)' for n, t in self._running.items()),
                        '',
                    )

    def _print(self, mark, text, detail):
        kind = {'ok': 'good', 'FAIL': 'bad'}.get(mark)
        shown = tables.tint(f'{mark:>4}', kind, self.out) if kind else f'{mark:>4}'
        print(f'{shown}  {text}' + (f'  {detail}' if detail else ''), file=self.out, flush=True)
        self._last_line = time.monotonic()

    def begin(self, name):
        with self._lock:
            self._running[name] = time.monotonic()

    def end(self, name, ok, detail='', log=None):
        with self._lock:
            seconds = time.monotonic() - self._running.pop(name)
            self._print('ok' if ok else 'FAIL', f'{name:<34}{seconds:7.1f} s', detail)
            if not ok and log is not None:
                lines = log.read_text(errors='replace').splitlines()
                print('\n'.join(f'      | {line}' for line in lines[-TAIL_LINES:]), file=self.out)
                print(f'      | (the whole log: {log})', file=self.out, flush=True)

    def broke(self, name, text):
        """The line of something that failed without being a step of its own; `text` is all that is known."""
        log = self.logs / f'{name.replace(" ", "-")}-broke.log'
        log.write_text(text)
        self.begin(name)
        self.end(name, False, 'broke off', log)

    def note(self, text):
        with self._lock:
            self._print('--', text, '')


def behind_all(command):
    """`command`, to be run with little more than what everything else leaves of the processors.

    A nice value says nothing to other sessions: Linux shares out the processors among those first (autogroup). Meson's tests
    and the servers of the end-to-end tests have one each, and so has this, with a tenth of what they get. No terminal
    reaches it there, so it ends with who started it.
    """
    last_session = f'{{ echo {SESSION_NICE} >/proc/self/autogroup; }} 2>/dev/null; exec "$@"'
    return ['setsid', 'setpriv', '--pdeathsig', 'TERM', 'nice', '-n', '19', 'sh', '-c', last_session, 'sh', *command]


def _exit_code(command, env, out, seconds_max):
    """None if it did not end in time. `seconds_max`: None is no limit."""
    words = list(map(str, command))
    try:
        process = subprocess.Popen(words, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env)
    except OSError as error:  # There is no such program, say.
        out.write(f'{error}\n')
        return 127
    try:
        return process.wait(seconds_max)
    except subprocess.TimeoutExpired:
        _end(process)
        return None


def _end(process):
    for how, seconds in ENDINGS:
        process.send_signal(how)
        try:
            process.wait(seconds)
            return
        except subprocess.TimeoutExpired:
            pass


def run(board, name, commands, env=None, count=None):
    """One step: the commands in order until one fails. `count`, of a step that runs tests: called afterwards, gives Counts.

    Returns (succeeded, Counts). A step that failed, or did not end, without a counted failure counts as one.
    """
    board.begin(name)
    log = board.logs / (name.replace(' ', '-').replace('/', '-') + '.log')
    ok = has_ended = True
    seconds_max = COMMAND_SECONDS_MAX if count else None
    with log.open('w') as out:
        for command in commands:
            out.write('$ ' + ' '.join(map(str, command)) + '\n')
            out.flush()
            code = _exit_code(command, env, out, seconds_max)
            if code != 0:
                has_ended = code is not None
                out.write(f'exit code {code}\n' if has_ended else f'not done after {seconds_max} s\n')
                ok = False
                break
    counts = count() if count else Counts()
    if counts.failed:
        ok = False
    elif not ok:
        counts.failed += 1
    board.end(name, ok, (str(counts) if count else '') + ('' if has_ended else '  did not end'), log)
    return ok, counts
