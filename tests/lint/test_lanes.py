# SPDX-License-Identifier: Apache-2.0
"""Whatever breaks off in a lane of ./dev test is a failure, and no lane waits for another that did; test_counts.py has what it counts."""

import os
import pathlib
import re
import subprocess
import sys
import threading

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'tools' / 'dev'))
import builds
import control_plane
import steps
from commands import lint, test as dev_test, walkthrough

LANE_SECONDS_MAX = 20


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """The names of steps that ran, of which none does anything; all of them go well."""
    names = []

    def run_step(_, name, *ignored, **also_ignored):
        names.append(name)
        return True, steps.Counts(passed=1)

    monkeypatch.setattr(builds, 'BUILD', tmp_path)
    monkeypatch.setattr(steps, 'run', run_step)
    monkeypatch.setattr(builds, 'setup_commands', lambda *_: [])
    monkeypatch.setattr(builds, 'targets_of_tests', lambda *_: ['some-tests'])
    monkeypatch.setattr(control_plane, 'missing', lambda *_: [])
    monkeypatch.setattr(lint, 'checks', lambda *_: {})
    monkeypatch.setattr(dev_test.walkthrough, 'prepare', lambda *_: True)
    monkeypatch.setattr(dev_test.walkthrough, 'print_times', lambda: None)
    monkeypatch.setattr(os, 'geteuid', lambda: 0)
    return names


def exit_code(*arguments):
    """Of ./dev test, which must come to an end."""
    code = []
    whole = threading.Thread(target=lambda: code.append(dev_test.main(arguments)), daemon=True)
    whole.start()
    whole.join(LANE_SECONDS_MAX)
    assert code, 'a lane waits for ever'
    return code[0]


def broken(*_, **__):
    raise subprocess.CalledProcessError(1, 'go mod download')


def without_programs(monkeypatch):
    monkeypatch.setattr(control_plane, 'missing', lambda programs=(): list(programs))


def test_all_steps_run_when_all_is_well(ran):
    assert exit_code() == 0
    wanted = {'release build', 'release tests', 'lint self-test', 'csi tests', 'e2e tests', 'guest tests'}
    wanted |= {'asan setup', 'asan build', 'asan tests', 'asan csi tests', 'tsan setup', 'tsan build', 'tsan tests'}
    wanted |= {'walkthrough tests'}
    assert set(ran) == wanted


def test_a_go_that_cannot_be_had_fails_what_needs_it_and_nothing_else(ran, monkeypatch, capsys):
    without_programs(monkeypatch)
    monkeypatch.setattr(control_plane, 'go_environment', broken)
    assert exit_code('csi', 'e2e', 'unit') == 1
    assert 'release tests' in ran
    assert '2 failed' in capsys.readouterr().out.splitlines()[-1]


def test_tests_that_are_not_known_fail_that_build_and_nothing_else(ran, monkeypatch):
    monkeypatch.setattr(builds, 'targets_of_tests', lambda build, _: broken() if build is builds.ASAN else [])
    assert exit_code('asan', 'tsan') == 1
    assert 'tsan tests' in ran and 'asan tests' not in ran


def test_a_release_build_that_breaks_off_keeps_nobody_waiting(ran, monkeypatch):
    monkeypatch.setattr(builds, 'build_commands', broken)
    assert exit_code() == 1
    assert 'asan tests' in ran and not {'csi tests', 'e2e tests', 'guest tests', 'walkthrough tests'} & set(ran)


def test_a_release_build_that_fails_keeps_nobody_waiting(ran, monkeypatch):
    run_step = steps.run
    failed = (False, steps.Counts(failed=1))
    monkeypatch.setattr(steps, 'run', lambda board, name, *rest: failed if name == 'release build' else run_step(board, name))
    assert exit_code() == 1
    assert not {'release tests', 'csi tests', 'e2e tests', 'guest tests', 'walkthrough tests'} & set(ran)


@pytest.mark.parametrize('prepare', [broken, sys.exit, lambda *_: False], ids=['raises', 'exits', 'fails'])
def test_a_walkthrough_that_cannot_be_prepared_is_a_failure(ran, monkeypatch, prepare):
    monkeypatch.setattr(dev_test.walkthrough, 'prepare', prepare)
    assert exit_code('walkthrough') == 1
    assert 'walkthrough tests' not in ran


def test_a_broken_step_after_the_lanes_is_a_failure(ran, monkeypatch):
    monkeypatch.setattr(dev_test.walkthrough, 'print_times', broken)
    assert exit_code('walkthrough') == 1


def test_what_is_prepared_for_later_has_a_low_priority_and_the_tests_have_not(ran, monkeypatch):
    found = []
    monkeypatch.setattr(dev_test.walkthrough, 'prepare', lambda _: found.append(int(subprocess.check_output(['nice']))) or True)
    assert exit_code('walkthrough') == 0
    usual = int(subprocess.check_output(['nice']))
    assert found == [min(19, usual + dev_test.PREPARATION_NICE)]


def test_only_what_is_chosen_is_built(ran):
    assert exit_code('lint') == 0
    assert ran == ['lint self-test']
    assert exit_code('unit') == 0
    assert ran[1:] == ['release setup', 'release build', 'release tests']


def test_a_limit_that_counts_what_ran_comes_before_one_that_does_not():
    [machines] = re.findall(r'time_limit=(\d+)', (dev_test.GUEST / 'run').read_text())
    [boot] = re.findall(r'MACHINE_SECONDS_MAX = (\d+)', (dev_test.GUEST / 'guest.py').read_text())
    assert int(machines) <= int(boot)
    last_ending = sum(seconds for _, seconds in steps.ENDINGS if seconds)
    assert max(int(machines), walkthrough.TIME_LIMIT_SECONDS) + last_ending < steps.COMMAND_SECONDS_MAX
