# SPDX-License-Identifier: Apache-2.0
"""Checks layout, include rules, banned calls, sizes, tracked files, names in Python; clang-tidy; thread safety.

usage: ./dev lint [CHECK...] [--tests] [--fix]
  CHECK    one of the names that a run prints; without one, all of them
  --tests  clang looks at the C++ tests too
  --fix    lays out the C++ files with clang-format first
"""

import subprocess
import sys
import traceback

import builds
import junit
import steps
import usage

LINT = builds.ROOT / 'tests' / 'lint'
OPTIONS = ('--tests', '--fix')
sys.path.insert(0, str(LINT))
import banned_calls  # noqa: E402
import clang_checks  # noqa: E402
import include_rules  # noqa: E402
import python_names  # noqa: E402
import sizes  # noqa: E402
import sources  # noqa: E402
import tracked_files  # noqa: E402


def _clang(check, texts, with_tests):
    for command in builds.setup_commands(builds.CLANG):
        subprocess.run(
            command, env=builds.environment(builds.CLANG), check=True, stdout=subprocess.PIPE
        )
    # Its headers are generated.
    subprocess.run(
        ['ninja', '-C', str(builds.CLANG.directory), 'csi-driver/csi.grpc.pb.h',
         'csi-driver/pluginregistration.grpc.pb.h'],
        check=True, stdout=subprocess.PIPE,
    )
    wanted = sources.PRODUCT + (('tests/',) if with_tests else ())
    return check(
        builds.CLANG.directory,
        texts,
        builds.BUILD / 'lint-cache',
        lambda path: path.startswith(wanted),
    )


def checks(with_tests=False):
    """{name: function that returns violations}, quick ones first."""
    texts = sources.read_all()
    cpp = [p for p in texts if sources.is_cpp(p)]
    return {
        'include_rules': lambda: include_rules.check(texts),
        'banned_calls': lambda: banned_calls.check(texts),
        'sizes': lambda: sizes.check(texts),
        'tracked_files': tracked_files.check,
        'python_names': lambda: python_names.check([p for p in sources.tracked() if p.endswith('.py')]),
        'clang-format': lambda: clang_checks.check_format(cpp),
        'thread-safety': lambda: _clang(clang_checks.check_thread_safety, texts, with_tests),
        'clang-tidy': lambda: _clang(clang_checks.check_tidy, texts, with_tests),
    }


def self_test_command(xml):
    return [
        '/usr/bin/python3',
        '-B',
        '-m',
        'pytest',
        '-q',
        '-p',
        'no:cacheprovider',
        f'--junitxml={xml}',
        str(LINT),
    ]


def _violations(check):
    """A check that breaks off found something, and does not keep the others from looking."""
    try:
        return check()
    except Exception:
        return traceback.format_exc().splitlines()


def run(board, chosen=(), with_tests=False, without=()):
    """Runs the checks (all without a choice) and the lint's own tests; returns Counts."""
    total = steps.Counts()
    for name, check in checks(with_tests).items():
        if name in without or (chosen and name not in chosen):
            continue
        board.begin(f'lint {name}')
        found = _violations(check)
        log = board.logs / f'lint-{name}.log'
        log.write_text('\n'.join(found) + '\n')
        board.end(f'lint {name}', not found, f'{len(found)} violations' if found else '', log)
        total.add(steps.Counts(failed=1) if found else steps.Counts(passed=1))
    if not chosen:
        xml = board.logs / 'lint-self-test.xml'
        xml.unlink(missing_ok=True)
        _, counts = steps.run(
            board, 'lint self-test', [self_test_command(xml)], count=lambda: junit.count(xml)
        )
        total.add(counts)
    return total


def main(arguments):
    usage.refuse_options_but(OPTIONS, arguments)
    if '--fix' in arguments:
        subprocess.run(
            [clang_checks.FORMAT, '-i', *filter(sources.is_cpp, sources.tracked())],
            check=True,
            cwd=builds.ROOT,
        )
    chosen = [a for a in arguments if not a.startswith('--')]
    usage.refuse([name for name in chosen if name not in checks()], 'check', checks())
    board = steps.Board(builds.BUILD / 'logs')
    total = run(board, chosen, '--tests' in arguments)
    for line in sizes.report(sources.read_all()):
        board.note(line)
    print(total)
    return 1 if total.failed else 0
