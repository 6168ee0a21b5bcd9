# SPDX-License-Identifier: Apache-2.0
"""Does what the product's page does, on emulated nodes with a real kubelet, containerd, LVM and NVDIMMs.

usage: ./dev walkthrough [--write-docs] [PYTEST_ARGUMENT...]
  --write-docs  docs/walkthrough.md is written anew from what this run typed and saw

Builds what is missing: programs, images, kubelet, the disk that the nodes boot from. Needs root for images and disk.
docs/walkthrough.md says what this cluster has in common with yours, and what it has not.
"""

import json
import os
import subprocess
import xml.etree.ElementTree

import builds
import control_plane
import junit
import steps
import tables
import usage
from commands import images

TESTS = builds.ROOT / 'tests' / 'walkthrough'
RESULT = builds.BUILD / 'walkthrough' / 'junit.xml'
TOOK = RESULT.with_name('took.json')
LONG_SECONDS = 8
COMMAND_COLUMNS = 100
TIME_LIMIT_SECONDS = 2400


def prepare(board, has_programs=False):
    """All that the nodes need is built; our programs are there if `has_programs`. True when all is well."""
    if not images.build_programs(board, images.all_images(), has_programs):
        return False
    wanted = (*control_plane.PROGRAMS, *control_plane.NODE_PROGRAMS, control_plane.HELM, control_plane.PROMETHEUS)
    for program in control_plane.missing(wanted):
        commands = control_plane.build_commands(program)
        if not steps.run(board, f'{program.name} build', commands, control_plane.go_environment())[0]:
            return False
        program.mark_current()
    if not images.ensure(board):
        return False
    return steps.run(board, 'node disk', [['/usr/bin/python3', '-B', TESTS / 'node_disk.py']])[0]


def test_command(arguments):
    return [
        *('timeout', '-s', 'INT', '-k', '60', str(TIME_LIMIT_SECONDS), '/usr/bin/python3', '-B', '-m', 'pytest'),
        *('-p', 'no:cacheprovider', '-x', '-q', f'--junitxml={RESULT}', f'--rootdir={TESTS}', TESTS, *arguments),
    ]


def forget_results():
    RESULT.unlink(missing_ok=True)
    TOOK.unlink(missing_ok=True)


def print_times():
    """A line for each step of the run, if it began."""
    if not RESULT.exists():
        return
    cases = xml.etree.ElementTree.parse(RESULT).getroot().iter('testcase')
    rows = [(case.get('name').removeprefix('test_').replace('_', ' '), f'{float(case.get("time")):.1f}') for case in cases]
    total = sum(float(seconds) for _, seconds in rows)
    print('\n'.join(tables.table(('step', 'seconds'), [*rows, ('all', f'{total:.1f}')], right=('seconds',))))


def print_long_commands():
    """What the time of a step went into."""
    took = [(seconds, command) for seconds, command in json.loads(TOOK.read_text()) if seconds >= LONG_SECONDS]
    rows = [(f'{seconds:.1f}', command[:COMMAND_COLUMNS]) for seconds, command in took]
    print('\n'.join(tables.table(('seconds', f'commands of {LONG_SECONDS} s or more'), rows, right=('seconds',))))


def main(arguments):
    usage.need_root("to make images and the nodes' disk")
    if not prepare(steps.Board(builds.BUILD / 'logs')):
        return 1
    forget_results()
    rest = [a for a in arguments if a != '--write-docs']
    env = dict(os.environ)
    if '--write-docs' in arguments:
        env['WALKTHROUGH_PAGE'] = str(builds.ROOT / 'docs' / 'walkthrough.md')
    done = subprocess.run([str(w) for w in test_command(rest)], env=env, check=False)
    if not RESULT.exists():
        return done.returncode or 1
    print_times()
    if TOOK.exists():
        print_long_commands()
    print(junit.count(RESULT))
    return done.returncode
