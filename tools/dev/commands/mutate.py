# SPDX-License-Identifier: Apache-2.0
"""Takes each guard of the ledger out in turn, and looks whether its test dies.

usage: ./dev mutate [WORD...]
  WORD  only guards whose rule, file or test has it
The guards are in tests/mutation/guards.py. Works on a copy of the tree in build/mutation. The exit
status says whether every guard is there and every test died.
"""

import shutil
import subprocess
import sys
import time

import builds
import tables
import usage

sys.path.insert(0, str(builds.ROOT / 'tests' / 'mutation'))
from guards import GUARDS  # noqa: E402

COPY = builds.BUILD / 'mutation' / 'tree'
MUTANTS = builds.Build('mutation/objects', ('-Doptimization=0', '-Ddebug=false'))
SECONDS_MAX = 1800  # Of one build, on a busy machine.


def copy_tree():
    """What differs only, so that a second run builds little."""
    done = subprocess.run(['git', '-C', builds.ROOT, 'ls-files', '-z'], check=True,
                          capture_output=True, text=True)
    for name in filter(None, done.stdout.split('\0')):
        source, target = builds.ROOT / name, COPY / name
        if not source.is_file() or (target.exists() and target.read_bytes() == source.read_bytes()):
            continue  # Gone, or a link to a folder, which no build needs.
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def build(target):
    command = ['nice', 'ninja', '-C', str(MUTANTS.directory), target]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)


def passes(guard):
    command = [MUTANTS.directory / guard.program, f'--gtest_filter={guard.test}']
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        return False
    if 'Running 0 tests' in done.stdout:
        raise LookupError(f'no test {guard.test}')
    return done.returncode == 0


def outcome(guard):
    """'killed' is good; everything else says what is wrong."""
    path = COPY / guard.file
    whole = path.read_text()
    if whole.count(guard.text) != 1:
        return f'the guard is there {whole.count(guard.text)} times'
    path.write_text(whole.replace(guard.text, guard.instead))
    try:
        if build(guard.program).returncode:
            return 'does not build without it'
        return 'survived' if passes(guard) else 'killed'
    finally:
        path.write_text(whole)


def prepare(guards):
    """The programs as they are: every test must pass before it can die."""
    copy_tree()
    if not (MUTANTS.directory / 'build.ninja').exists():
        subprocess.run(['meson', 'setup', str(MUTANTS.directory), str(COPY), *MUTANTS.options],
                       check=True, stdout=subprocess.DEVNULL, env=builds.environment(MUTANTS))
    for program in sorted({g.program for g in guards}):
        done = build(program)
        if done.returncode:
            print(done.stdout[-4000:])
            return False
    failing = [g.test for g in guards if not passes(g)]
    if failing:
        print('fail with their guards: ' + ', '.join(failing))
    return not failing


def main(arguments):
    guards = [g for g in GUARDS
              if not arguments or any(w in f'{g.rule} {g.file} {g.test}' for w in arguments)]
    if not guards:
        usage.refuse(arguments, 'guard with')
    if not prepare(guards):
        return 1
    rows = []
    for guard in guards:
        begin = time.monotonic()
        rows.append((guard.rule, guard.test, outcome(guard), f'{time.monotonic() - begin:.0f}'))
        print(f'{len(rows)}/{len(guards)} {rows[-1][2]:<9} {guard.rule}', flush=True)
    print('\n'.join(tables.table(['guard', 'test that dies', 'outcome', 's'], rows, right=('s',))))
    killed = sum(row[2] == 'killed' for row in rows)
    print(f'{killed} of {len(rows)} killed')
    return 0 if killed == len(rows) else 1
