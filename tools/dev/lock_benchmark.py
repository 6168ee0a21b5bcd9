# SPDX-License-Identifier: Apache-2.0
"""What holds the ledger's lock for long, and what a filter call waits for it."""

import json
import subprocess

import builds
import tables

PROGRAM = 'tests/benchmark/lock-benchmark'
HEADINGS = ('what', 'p50 ms', 'p90 ms', 'worst ms')


def locks(as_json=False):
    for command in builds.build_commands(builds.RELEASE, [PROGRAM]):
        subprocess.run(
            list(map(str, command)),
            check=True,
            stdout=subprocess.DEVNULL,
            env=builds.environment(builds.RELEASE),
        )
    done = subprocess.run(
        [builds.RELEASE.directory / PROGRAM], check=True, capture_output=True, text=True
    )
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"what"')]
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    cells = [
        [row['what']] + [f'{row[key] / 1000:.1f}' for key in ('p50_us', 'p90_us', 'worst_us')]
        for row in rows
    ]
    print('\n'.join(tables.table(HEADINGS, cells, HEADINGS[1:])))
