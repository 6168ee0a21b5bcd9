# SPDX-License-Identifier: Apache-2.0
"""What ./dev test does beside what, and that no lane waits for another that broke off; test_counts.py has what it counts."""

import os
import pathlib
import re
import subprocess
import sys
import threading

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'tools' / 'dev'))
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / 'e2e'))
import builds
import control_plane
import steps
from commands import demo, lint, test as dev_test, walkthrough
from harness import waiting

LANE_SECONDS_MAX = 20
STEP_SECONDS_MAX = 10


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
    monkeypatch.setattr(dev_test.walkthrough, 'prepare', lambda *_, **__: True)
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
    wanted = {'release programs', 'release setup', 'release build', 'release tests', 'release rest'}
    wanted |= {'lint self-test', 'csi tests', 'e2e tests', 'guest tests'}
    wanted |= {'asan setup', 'asan build', 'asan tests', 'asan csi tests', 'tsan setup', 'tsan build', 'tsan tests'}
    wanted |= {'walkthrough tests'}
    assert set(ran) == wanted


def test_a_go_that_cannot_be_had_fails_what_needs_it_and_nothing_else(ran, monkeypatch, capsys):
    without_programs(monkeypatch)
    monkeypatch.setattr(control_plane, 'go_environment', broken)
    assert exit_code('csi', 'e2e', 'unit') == 1
    assert 'release tests' in ran
    assert '2 failed' in capsys.readouterr().out.splitlines()[-1]


def test_a_go_that_does_not_come_is_not_waited_for(ran, monkeypatch, tmp_path):
    without_programs(monkeypatch)
    monkeypatch.setattr(control_plane, 'TOOLCHAIN_SECONDS_MAX', 0.2)
    (tmp_path / 'go').write_text('#!/bin/sh\n[ "$1" = env ] && echo go1.19 || exec sleep 600\n')
    (tmp_path / 'go').chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path), prepend=':')
    assert exit_code('csi', 'unit') == 1
    assert 'release tests' in ran and 'csi tests' not in ran


def test_tests_that_are_not_known_fail_that_build_and_nothing_else(ran, monkeypatch):
    monkeypatch.setattr(builds, 'targets_of_tests', lambda build, _: broken() if build is builds.ASAN else [])
    assert exit_code('asan', 'tsan') == 1
    assert 'tsan tests' in ran and 'asan tests' not in ran


def fail(monkeypatch, failing):
    """The step `failing` fails."""
    run_step = steps.run
    failed = (False, steps.Counts(failed=1))
    monkeypatch.setattr(steps, 'run', lambda board, name, *_, **__: failed if name == failing else run_step(board, name))


NEEDS_PROGRAMS = {'csi tests', 'e2e tests', 'guest tests', 'walkthrough tests', 'release tests', 'release rest'}


def test_programs_whose_build_breaks_off_keep_nobody_waiting(ran, monkeypatch):
    monkeypatch.setattr(builds, 'build_commands', broken)
    assert exit_code() == 1
    assert 'asan tests' in ran and not NEEDS_PROGRAMS & set(ran)


def test_programs_that_cannot_be_built_keep_nobody_waiting_and_are_one_failure(ran, monkeypatch, capsys):
    fail(monkeypatch, 'release programs')
    assert exit_code() == 1
    assert 'asan tests' in ran and not NEEDS_PROGRAMS & set(ran)
    assert ' 1 failed' in capsys.readouterr().out.splitlines()[-1]


def test_a_suite_that_cannot_be_built_keeps_only_the_suites_from_theirs(ran, monkeypatch):
    fail(monkeypatch, 'release build')
    assert exit_code() == 1
    assert NEEDS_PROGRAMS - set(ran) == {'release tests', 'release rest'}


def hold(monkeypatch, ran, held, others):
    """The step `held` goes on until `others` have run beside it."""
    run_step = steps.run
    someone_ran = threading.Condition()

    def run(board, name, *rest, **options):
        with someone_ran:
            if name == held and not someone_ran.wait_for(lambda: others <= set(ran), STEP_SECONDS_MAX):
                raise TimeoutError(f'{others - set(ran)} wait for {held}')
            result = run_step(board, name)
            someone_ran.notify_all()
        return result

    monkeypatch.setattr(steps, 'run', run)


@pytest.mark.parametrize('held, others', [
    ('release programs', {'lint self-test'}), ('release build', {'csi tests', 'e2e tests', 'guest tests'}),
    ('asan build', {'release tests', 'e2e tests', 'guest tests'}), ('tsan build', {'asan tests', 'asan csi tests'}),
    ('tsan tests', {'release rest'}), ('guest tests', {'asan tests', 'tsan tests', 'e2e tests'})])
def test_what_is_built_is_tested_while_the_next_is_built(ran, monkeypatch, held, others):
    hold(monkeypatch, ran, held, others)
    assert exit_code() == 0


@pytest.mark.parametrize('held', ['tsan tests', 'asan csi tests', 'guest tests', 'release rest'])
def test_nothing_runs_beside_the_walkthrough(ran, monkeypatch, held):
    monkeypatch.setattr(sys.modules[__name__], 'STEP_SECONDS_MAX', 0.2)
    hold(monkeypatch, ran, held, {'walkthrough tests'})
    assert exit_code() == 1  # It waited in vain.
    assert ran[-1] == 'walkthrough tests'


def test_all_but_five_of_the_end_to_end_tests_begin_before_prometheus_is_built(ran, monkeypatch):
    monkeypatch.setattr(control_plane, 'missing', lambda programs=(): [p for p in programs if p.name == 'prometheus'])
    monkeypatch.setattr(control_plane, 'go_environment', dict)
    monkeypatch.setattr(control_plane, 'build_commands', lambda *_, **__: [])
    monkeypatch.setattr(control_plane.Program, 'mark_current', lambda _: None)
    assert exit_code('e2e') == 0
    assert ran == ['release programs', 'e2e tests', 'prometheus build', 'e2e discovery tests']
    assert "'prometheus'" in dev_test.DISCOVERY.read_text()


def test_nobody_builds_programs_while_their_directory_is_built_in(ran, monkeypatch):
    environments = {}
    monkeypatch.setattr(dev_test.Run, 'step', lambda _, name, commands, env=None, count=None: environments.update({name: env}) or True)
    prepared = []
    monkeypatch.setattr(dev_test.walkthrough, 'prepare', lambda _, **told: prepared.append(told) or True)
    assert exit_code('e2e', 'walkthrough') == 0
    assert prepared == [{'has_programs': True}]
    monkeypatch.setattr(builds, 'build_commands', broken)
    monkeypatch.setattr(os, 'environ', environments['e2e tests'])
    assert demo.prepare(sys.stdout)
    assert dev_test.walkthrough.images.build_programs(None, dev_test.walkthrough.images.all_images(), True)


def test_the_machine_s_programs_are_among_those_that_are_built_first():
    wanted = re.findall(r'build/release/(\S+)}', (dev_test.GUEST / 'run').read_text())
    assert len(wanted) == 5 and set(wanted) <= set(dev_test.PROGRAMS)


@pytest.mark.parametrize('chosen, are_behind', [((), True), (('asan', 'guest'), True), (('release', 'asan'), False), (('unit',), False)])
def test_compilers_are_behind_tests_that_run_beside_them(ran, monkeypatch, chosen, are_behind):
    commands = []
    monkeypatch.setattr(steps, 'behind_all', lambda command: commands.append(command) or command)
    assert exit_code(*chosen) == 0
    assert bool(commands) == are_behind


def test_compilers_are_behind_what_runs_in_other_sessions():
    command = steps.behind_all(['sh', '-c', 'nice; cut -d" " -f6 /proc/self/stat; cat /proc/self/autogroup 2>/dev/null || true'])
    level, session, *group = subprocess.check_output(command, text=True).split('\n')
    assert level == '19' and int(session) != os.getsid(0)
    assert group[0] == '' or group[0].endswith(f' nice {steps.SESSION_NICE}')


def test_compilers_end_with_who_started_them():
    starts = "import subprocess, steps; subprocess.run(steps.behind_all(['sh', '-c', 'echo $$; exec sleep 600']))"
    env = {**os.environ, 'PYTHONPATH': str(pathlib.Path(steps.__file__).parent)}
    with subprocess.Popen(['/usr/bin/python3', '-B', '-c', starts], env=env, stdout=subprocess.PIPE) as starter:
        compiler = pathlib.Path('/proc') / starter.stdout.readline().decode().strip()
        assert compiler.exists()
        starter.kill()
    waiting.until(lambda: not compiler.exists(), 'it ends', STEP_SECONDS_MAX)


def test_a_limit_that_counts_what_ran_comes_before_one_that_does_not():
    [machines] = re.findall(r'time_limit=(\d+)', (dev_test.GUEST / 'run').read_text())
    [boot] = re.findall(r'MACHINE_SECONDS_MAX = (\d+)', (dev_test.GUEST / 'guest.py').read_text())
    assert int(machines) <= int(boot)
    last_ending = sum(seconds for _, seconds in steps.ENDINGS if seconds)
    assert max(int(machines), walkthrough.TIME_LIMIT_SECONDS) + last_ending < steps.COMMAND_SECONDS_MAX


@pytest.mark.parametrize('prepare', [broken, lambda *_, **__: sys.exit(), lambda *_, **__: False], ids=['raises', 'exits', 'fails'])
def test_a_walkthrough_that_cannot_be_prepared_is_a_failure(ran, monkeypatch, prepare):
    monkeypatch.setattr(dev_test.walkthrough, 'prepare', prepare)
    assert exit_code('walkthrough') == 1
    assert 'walkthrough tests' not in ran


def test_a_broken_step_after_the_lanes_is_a_failure(ran, monkeypatch):
    monkeypatch.setattr(dev_test.walkthrough, 'print_times', broken)
    assert exit_code('walkthrough') == 1


def test_what_is_prepared_for_later_has_a_low_priority_and_the_tests_have_not(ran, monkeypatch):
    found = []
    monkeypatch.setattr(dev_test.walkthrough, 'prepare', lambda *_, **__: found.append(int(subprocess.check_output(['nice']))) or True)
    assert exit_code('walkthrough') == 0
    usual = int(subprocess.check_output(['nice']))
    assert found == [min(19, usual + dev_test.PREPARATION_NICE)]


def test_only_what_is_chosen_is_built(ran):
    assert exit_code('lint') == 0
    assert ran == ['lint self-test']
    assert exit_code('unit') == 0
    assert ran[1:] == ['release setup', 'release build', 'release tests']
