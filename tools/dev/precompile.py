# SPDX-License-Identifier: Apache-2.0
"""Compiles what nearly all sources include, once for a build directory that is set up, by the command that it has for its sources.

Without optimisation a third of what clang does for a source is reading these headers and making the templates in them: docs/testing.md,
"What building costs". They are others' alone: one of ours that changes must not compile everything anew.
"""

import json
import os
import pathlib
import shlex
import subprocess
import sys

NAME = 'precompiled.pch'
# Without the timestamps of headers in it, it is the same for the same headers, which is what ccache asks for. Templates that are made in it are
# made once.
FLAGS = ('-x', 'c++-header', '-Xclang', '-fno-pch-timestamp', '-fpch-instantiate-templates')
HEADERS = (
    *('algorithm', 'array', 'atomic', 'chrono', 'cstdint', 'deque', 'filesystem', 'fstream', 'functional', 'iterator', 'map', 'memory'),
    *('optional', 'set', 'sstream', 'string', 'string_view', 'thread', 'tuple', 'utility', 'variant', 'vector'),
    *('absl/container/btree_map.h', 'absl/container/flat_hash_map.h', 'absl/status/statusor.h', 'absl/strings/str_cat.h'),
    *('absl/strings/str_format.h', 'absl/strings/str_join.h', 'absl/synchronization/mutex.h', 'absl/time/time.h'),
    'gtest/gtest.h',
)
# With the values that follow them: what names the one source, and the header that is yet to be made.
OF_ONE_SOURCE = ('-o', '-c', '-MF', '-MQ', '-include-pch')


def shared_arguments(command):
    """Of the compiler's command for one source what all sources have."""
    words = iter(shlex.split(command))
    kept = []
    for word in words:
        if word in OF_ONE_SOURCE:
            next(words)
        elif word not in ('-MD', '-Winvalid-pch') and not word.startswith('-I'):
            kept.append(word)
    return kept


def a_test(commands):
    """A test's command: it has what threads and gtest ask for."""
    return next(c['command'] for c in commands if c['file'].endswith('_test.cc'))


def make(directory):
    """Makes the header in that build directory; one that is there and comes out the same stays as it is."""
    command = shared_arguments(a_test(json.loads((directory / 'compile_commands.json').read_text())))
    header = directory / 'precompiled.h'
    text = ''.join(f'#include <{name}>\n' for name in HEADERS)
    if not header.exists() or header.read_text() != text:
        header.write_text(text)
    fresh = directory / f'{NAME}.new'
    subprocess.run([*command, *FLAGS, '-o', fresh.name, header.name], cwd=directory, check=True)
    made = directory / NAME
    # A newer one makes ninja compile everything anew.
    if made.exists() and made.read_bytes() == fresh.read_bytes():
        fresh.unlink()
    else:
        os.replace(fresh, made)


if __name__ == '__main__':
    make(pathlib.Path(sys.argv[1]))
