# SPDX-License-Identifier: Apache-2.0
"""Feeds mutated input to every parser of bytes from outside, under the sanitizers.

usage: ./dev fuzz [FUZZER...] [--seconds N]
       ./dev fuzz simulator [--pods N] [--first-seed S]
  FUZZER       words of the fuzzers' names; without one, all of them
  --seconds N  how long each runs (60)
simulator runs worlds around the ledger in virtual time (1,000,000 pods); see docs/ledger.md.
What is found stays in build/fuzz/found, and is a file to add to tests/fuzz/corpus once mended.
"""

import os
import pathlib
import subprocess

import builds
import steps
import usage

SECONDS = 60
SIMULATED_PODS = '1000000'
INPUT_BYTES_MAX = 65536


def commands(line, seconds, found):
    """libFuzzer's command for one line of fuzzers.txt: a program, then the folders of its seeds."""
    program, *seeds = line.split()
    grown = builds.FUZZ.directory / 'corpus' / pathlib.Path(program).name
    grown.mkdir(parents=True, exist_ok=True)
    return [
        [
            program,
            grown,
            *seeds,
            f'-max_total_time={seconds}',
            f'-max_len={INPUT_BYTES_MAX}',
            '-timeout=10',
            '-rss_limit_mb=2048',
            f'-artifact_prefix={found}/',
            '-print_final_stats=1',
        ]
    ]


def simulate(arguments):
    """Worlds around the ledger, from the plain build: what they print is the result."""
    program = builds.RELEASE.directory / 'tests' / 'simulator' / 'simulator'
    board = steps.Board(builds.BUILD / 'logs')
    build = builds.build_commands(builds.RELEASE, ('tests/simulator/simulator',))
    if not steps.run(board, 'simulator build', build, builds.environment(builds.RELEASE))[0]:
        return 1
    return subprocess.run([program, '--pods', SIMULATED_PODS, *arguments], check=False).returncode


def main(arguments):
    if arguments[:1] == ['simulator']:
        return simulate(arguments[1:])
    seconds, words = usage.take('--seconds', arguments, int)
    usage.refuse_options_but((), words)
    board = steps.Board(builds.BUILD / 'logs')
    env = builds.environment(builds.FUZZ)
    build = builds.build_commands(builds.FUZZ, ('fuzzers',))
    if not steps.run(board, 'fuzzers build', build, env)[0]:
        return 1
    found = builds.FUZZ.directory / 'found'
    found.mkdir(exist_ok=True)
    total = steps.Counts()
    for line in (builds.FUZZ.directory / 'tests' / 'fuzz' / 'fuzzers.txt').read_text().split('\n'):
        name = pathlib.Path(line.split(' ')[0]).name
        if line and (not words or any(word in name for word in words)):
            ok, _ = steps.run(board, name, commands(line, seconds or SECONDS, found), dict(os.environ))
            total.add(steps.Counts(passed=1) if ok else steps.Counts(failed=1))
    if total == steps.Counts():
        usage.refuse(words, 'fuzzer with')
    print(total)
    return 1 if total.failed else 0
