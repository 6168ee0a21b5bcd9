# SPDX-License-Identifier: Apache-2.0
"""What ./dev test counts: what ran, and whatever breaks off, hangs or says nothing as a failure."""

import io
import json
import pathlib
import signal
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'tools' / 'dev'))
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / 'e2e'))
import junit
import steps
from commands import lint
from harness import waiting


def broken(*_, **__):
    raise subprocess.CalledProcessError(1, 'clang-format')


def test_a_lint_check_that_breaks_off_is_a_failure_and_the_others_look_on(monkeypatch, tmp_path):
    monkeypatch.setattr(steps, 'run', lambda *_, **__: (True, steps.Counts(passed=1)))
    monkeypatch.setattr(lint, 'checks', lambda *_: {'one': broken, 'two': lambda: []})
    counts = lint.run(steps.Board(tmp_path / 'logs', io.StringIO()))
    assert (counts.passed, counts.failed) == (2, 1)


def test_a_step_whose_program_is_missing_fails(tmp_path):
    out = io.StringIO()
    ok, counts = steps.run(steps.Board(tmp_path, out), 'a step', [['no-such-program']])
    assert (ok, counts.failed) == (False, 1)
    assert 'no-such-program' in out.getvalue()


DEAF = 'import signal, time; [signal.signal(s, signal.SIG_IGN) for s in (2, 15)]; time.sleep(600)'


@pytest.mark.parametrize('command', [['sleep', '600'], ['/usr/bin/python3', '-c', DEAF]], ids=['listens', 'is deaf'])
def test_a_step_that_hangs_is_a_failure_and_says_so(tmp_path, monkeypatch, command):
    monkeypatch.setattr(steps, 'COMMAND_SECONDS_MAX', 0.5)
    monkeypatch.setattr(steps, 'ENDINGS', ((signal.SIGINT, 0.5), (signal.SIGTERM, 0.5), (signal.SIGKILL, None)))
    out = io.StringIO()
    ok, counts = steps.run(steps.Board(tmp_path, out), 'a step', [command, ['true']], count=lambda: steps.Counts(passed=2))
    assert (ok, counts.passed, counts.failed) == (False, 2, 1)
    assert 'FAIL  a step' in out.getvalue() and 'did not end' in out.getvalue()


def test_what_counts_no_test_takes_as_long_as_it_takes(tmp_path, monkeypatch):
    """A build that runs behind everything else, on a slow day."""
    monkeypatch.setattr(steps, 'COMMAND_SECONDS_MAX', 0)
    assert steps.run(steps.Board(tmp_path, io.StringIO()), 'a build', [['/usr/bin/python3', '-c', '']]) == (True, steps.Counts())


HANGS = """
import pathlib, time
def test_one(): pass
def test_two():
    pathlib.Path('has_begun').touch()
    time.sleep(600)
"""


def test_what_pytest_counted_before_it_was_told_to_end_is_kept_and_where_it_was_is_a_failure(tmp_path):
    (tmp_path / 'test_hangs.py').write_text(HANGS)
    xml = tmp_path / 'junit.xml'
    command = ['timeout', '-s', 'INT', '600', '/usr/bin/python3', '-B', '-m', 'pytest', '-p', 'no:cacheprovider', f'--junitxml={xml}']
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        waiting.until((tmp_path / 'has_begun').exists, 'the second test begins', 60)
        process.send_signal(signal.SIGALRM)  # As when timeout's time is over.
    assert process.returncode == 124
    assert junit.count(xml) == steps.Counts(passed=1, failed=1)


RESULTS = {
    'no file': (None, (0, 1, 0)),
    'half a file': ('<testsuites><testsuite>', (0, 1, 0)),
    'no case': ('<testsuites/>', (0, 1, 0)),
    'one of each': (
        '<testsuite><testcase name="a"/><testcase name="b"><failure/></testcase><testcase name="c"><error/></testcase>'
        '<testcase name="d"><skipped message="why"/></testcase></testsuite>',
        (1, 2, 1),
    ),
    'a disabled one': ('<testsuite><testcase name="a"/><testcase name="DISABLED_b" status="notrun"/></testsuite>', (1, 0, 1)),
}


@pytest.mark.parametrize('text,wanted', RESULTS.values(), ids=RESULTS.keys())
def test_results_are_counted_and_no_result_is_a_failure(tmp_path, text, wanted):
    path = tmp_path / 'junit.xml'
    if text is not None:
        path.write_text(text)
    counts = junit.count(path)
    assert (counts.passed, counts.failed, counts.skipped) == wanted


# Of a program that wrote what it did, and of one that could not: meson gives it a case of its own that looks well.
OF_MESON = """<testsuites><testsuite name="p.p:unit+pure / one.A"><testcase name="a"/><testcase name="b"/></testsuite>
<testsuite name="p"><testcase name="p:unit+pure / two" classname="p"/></testsuite></testsuites>"""


@pytest.mark.parametrize('ends, wanted', [
    ({'one': 'OK', 'two': 'OK'}, (3, 0)), ({'one': 'OK', 'two': 'TIMEOUT'}, (2, 1)), ({'one': 'OK', 'two': 'INTERRUPT'}, (2, 1)),
    ({'one': 'TIMEOUT', 'two': 'OK'}, (3, 1))])
def test_a_program_that_meson_ended_is_a_failure_and_no_success(tmp_path, ends, wanted):
    logs = tmp_path / 'meson-logs'
    logs.mkdir()
    (logs / 'testlog.junit.xml').write_text(OF_MESON)
    lines = [json.dumps({'name': f'p:unit+pure / {name}', 'result': result}) for name, result in ends.items()]
    (logs / 'testlog.json').write_text('\n'.join(lines) + '\n')
    counts = junit.count_meson(tmp_path)
    assert (counts.passed, counts.failed) == wanted


def test_nothing_of_the_last_run_is_counted(tmp_path):
    (tmp_path / 'meson-logs').mkdir()
    for name in ('one.xml', 'meson-logs/testlog.json', 'meson-logs/testlog.junit.xml', 'build.ninja'):
        (tmp_path / name).write_text(OF_MESON)
    junit.forget_meson(tmp_path)
    assert [path.name for path in tmp_path.rglob('*') if path.is_file()] == ['build.ninja']
    assert junit.count_meson(tmp_path) == steps.Counts(failed=1)
