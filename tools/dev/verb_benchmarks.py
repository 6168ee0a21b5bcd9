# SPDX-License-Identifier: Apache-2.0
"""What the verbs cost: time beside a bare handler of the same HTTP library, memory, instructions."""

import json
import os
import re
import subprocess

import builds
import tables

PROGRAMS = builds.RELEASE.directory / 'tests' / 'benchmark'
INSTRUCTIONS = builds.ROOT / 'tests' / 'benchmark' / 'instructions.json'
TOLERANCE = 0.05  # Of an instruction count. Compilers' patch releases stay within it.
# Nodes, body, pod, calls: the calls take about ten seconds each.
CASES = (
    (100, 'names', 'pmem', 3000),
    (1000, 'names', 'pmem', 2000),
    (5000, 'names', 'pmem', 1000),
    (20000, 'names', 'pmem', 200),
    (5000, 'names', 'plain', 1000),
    (5000, 'full', 'pmem', 10),
    (5000, 'full', 'plain', 10),
)
COUNTED = tuple(
    (verb, nodes, body, pod)
    for verb in ('filter', 'prioritize')
    for nodes, body, pod in ((1000, 'names', 'pmem'), (1000, 'names', 'plain'), (100, 'full', 'pmem'))
)
COUNTED_CALLS = 11  # The first ones fill what later ones use.


def build():
    programs = ['tests/benchmark/verb-benchmark', 'tests/benchmark/decision-benchmark']
    for command in builds.build_commands(builds.RELEASE, programs):
        subprocess.run(
            list(map(str, command)),
            check=True,
            stdout=subprocess.DEVNULL,
            env=builds.environment(builds.RELEASE),
        )


def _run(case):
    done = subprocess.run(
        [PROGRAMS / 'verb-benchmark', *map(str, case)], check=True, capture_output=True, text=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def verbs(as_json=False):
    build()
    results = []
    for case in CASES:
        rows = _run(case)
        results += rows
        if not as_json:
            print('\n'.join(tables.table(HEADINGS, map(_cells, rows), HEADINGS[1:])), flush=True)
    print(json.dumps(results, indent=1) if as_json else NOTE)


HEADINGS = ('call', 'nodes', 'body', 'pod', 'p50 us', 'p99 us', 'floor p50', 'floor p99', 'p50 x', 'p99 x')
NOTE = (
    'One client, one connection. The floor, a bare handler of the same library, reads and answers the same bytes.\n'
    'memory: MiB resident before, at the peak, and how many bodies lie between.'
)


def _cells(row):
    head = [row['what'], row['nodes'], row['body'], row['pod']]
    if row['what'] == 'memory':
        before, peak = row['resident_before_bytes'], row['resident_peak_bytes']
        bodies = (peak - before) / row['body_bytes']
        return [*head, before >> 20, peak >> 20, '', '', f'{bodies:.1f}', '']
    cells = [*head, row['p50_us'], row['p99_us']]
    if 'floor_p50_us' not in row:
        return cells + [''] * 4
    ratios = [f'{row[f"{q}_us"] / row[f"floor_{q}_us"]:.2f}' for q in ('p50', 'p99')]
    return [*cells, row['floor_p50_us'], row['floor_p99_us'], *ratios]


def _count(verb, nodes, body, pod):
    """Instructions of one call, by callgrind: the same on every run, unlike seconds."""
    done = subprocess.run(
        [
            'valgrind',
            '--tool=callgrind',
            # Not more: a function that is called inside of another one would switch counting off.
            '--toggle-collect=pmem::extender::VerbApi::Filter*',
            '--toggle-collect=pmem::extender::VerbApi::Prioritize*',
            f'--callgrind-out-file={os.devnull}',
            PROGRAMS / 'decision-benchmark',
            *map(str, (verb, nodes, body, pod, COUNTED_CALLS)),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    found = re.search(r'Collected : (\d+)', done.stderr)
    return int(found[1]) // COUNTED_CALLS


def check(write=False):
    """Compares instruction counts with the kept ones; False when one grew beyond the tolerance."""
    build()
    kept = json.loads(INSTRUCTIONS.read_text()) if INSTRUCTIONS.exists() else {}
    counts, rows, is_good = {}, [], True
    for case in COUNTED:
        name = ' '.join(map(str, case))
        counts[name] = _count(*case)
        before = kept.get(name)
        change = (counts[name] - before) / before if before else 0.0
        is_good &= before is not None and change <= TOLERANCE
        rows.append([name, before or '-', counts[name], f'{change:+.1%}'])
    numbers = ('kept', 'now', 'change')
    print('instructions a call, decode to encode')
    print('\n'.join(tables.table(['call', *numbers], rows, numbers)))
    if write:
        INSTRUCTIONS.write_text(json.dumps(counts, indent=1) + '\n')
    return is_good or write
