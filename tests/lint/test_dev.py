# SPDX-License-Identifier: Apache-2.0
"""./dev tells what it can do, installs nothing for that, and refuses in one line what it cannot make sense of."""

import io
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tools' / 'dev'))
import main as dev
import steps
import tables

COMMANDS = sorted(name for name, path in dev.commands().items() if path.suffix == '.py')


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch):
    def run(*_, **__):
        raise AssertionError('a step was begun')

    monkeypatch.setattr(steps, 'Board', run)
    monkeypatch.setattr(steps, 'run', run)


@pytest.mark.parametrize('option', dev.HELP)
@pytest.mark.parametrize('name', COMMANDS)
def test_a_command_tells_how_it_is_used(capsys, name, option):
    assert dev.main([name, option]) == 0
    told = capsys.readouterr().out
    assert told.startswith(dev.summary(dev.commands()[name]))
    assert f'\nusage: ./dev {name}' in told


@pytest.mark.parametrize('arguments, told', [
    ('bench --jsn', 'no option --jsn'), ('bench verb', 'no benchmark verb, there are verbs, '),
    ('bench start --runs', '--runs wants a value'), ('bench start --runs many', '--runs wants a value'),
    ('bench scheduler --size 5000', '--size wants a value'), ('bench verbs --runs 3', 'verbs has no --runs'),
    ('bench wakeup --json', 'wakeup prints for people alone'), ('demo --kep', 'no option --kep'),
    ('docs --chek', 'no option --chek'), ('docs flags', 'no option flags'), ('fuzz --second 3', 'no option --second'),
    ('fuzz --seconds', '--seconds wants a value'), ('images --jsn', 'no option --jsn'),
    ('images agent', 'no image agent, there are pmem-extender, '), ('lint --tets', 'no option --tets'),
    ('lint size', 'no check size, there are include_rules, '), ('mutate no-such-guard', 'no guard with no-such-guard'),
    ('test unti', 'no step unti, there are release, ')])
def test_what_says_nothing_is_refused_before_anything_is_begun(capsys, arguments, told):
    assert dev.main(arguments.split()) == 2
    out, [error] = (text.splitlines() for text in capsys.readouterr())
    assert out == []
    assert error.startswith(f'dev {arguments.split()[0]}: {told}') and error.endswith('--help tells what there is')


@pytest.mark.parametrize('name', ['images', 'walkthrough'])
def test_what_needs_root_says_so_before_anything_is_begun(capsys, monkeypatch, name):
    monkeypatch.setattr('os.geteuid', lambda: 1000)
    assert dev.main([name]) == 2
    assert capsys.readouterr().err.startswith(f'dev {name}: it needs root, to ')


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_colours_are_for_terminals_of_people_who_want_them(monkeypatch):
    monkeypatch.delenv('NO_COLOR', raising=False)
    assert tables.table(['a', 'b'], [[1, 22]], ('b',), io.StringIO()) == ['  a   b', '  1  22']
    assert tables.table(['a', 'b'], [[1, 22]], ('b',), Terminal()) == ['\033[1m  a   b\033[0m', '  1  22']
    monkeypatch.setenv('NO_COLOR', '1')
    assert tables.tint('a', 'head', Terminal()) == 'a'


def test_a_command_that_is_none_is_refused(capsys):
    assert dev.main(['tset']) == 2
    assert "no command 'tset'" in capsys.readouterr().err


@pytest.mark.parametrize('arguments, installs', [
    ('', False), ('help', False), ('--help', False), ('test --help', False), ('bench -h', False), ('test', True),
    ('test -k help', True)])
def test_packages_are_installed_for_work_and_not_for_help(tmp_path, arguments, installs):
    tools = tmp_path / 'tools' / 'dev'
    tools.mkdir(parents=True)
    shutil.copy(ROOT / 'dev', tmp_path)
    (tools / 'install_packages.sh').write_text('#!/bin/sh\necho installed\n')
    (tools / 'install_packages.sh').chmod(0o755)
    (tools / 'main.py').write_text('print("done")\n')
    done = subprocess.run([tmp_path / 'dev', *arguments.split()], capture_output=True, text=True, check=True)
    assert done.stdout.split() == (['installed'] if installs else []) + ['done']
