# SPDX-License-Identifier: Apache-2.0
"""Names in Python files that nobody made or nobody uses: a missing one shows only when its line runs."""

import subprocess

import sources

PROGRAM = ['/usr/bin/python3', '-m', 'pyflakes']


def check(paths, root=sources.ROOT):
    if not paths:
        return []
    done = subprocess.run([*PROGRAM, *paths], cwd=root, capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else (done.stdout + done.stderr).splitlines()
