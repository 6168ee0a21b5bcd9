# SPDX-License-Identifier: Apache-2.0
"""Compiles the three programs and all tests into build/release.

usage: ./dev build [release|asan|tsan|clang] [NINJA_TARGET...]
"""

import subprocess
import sys

import builds

BUILDS = {b.name: b for b in (builds.RELEASE, builds.ASAN, builds.TSAN, builds.CLANG)}


def main(arguments):
    rest = list(arguments)
    build = BUILDS[rest.pop(0)] if rest and rest[0] in BUILDS else builds.RELEASE
    for command in builds.build_commands(build, rest):
        quiet = command[0] == 'meson'
        done = subprocess.run(
            command,
            env=builds.environment(build),
            check=False,
            stdout=subprocess.PIPE if quiet else None,
            text=True,
        )
        if done.returncode != 0:
            print((done.stdout or '')[-4000:], file=sys.stderr)
            return 1
    return 0
