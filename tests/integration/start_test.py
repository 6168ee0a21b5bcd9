# SPDX-License-Identifier: Apache-2.0
"""The programs when they cannot start: exit code 2 and one clear line on stderr, nothing on stdout."""

import json
import os
import socket
import subprocess

import pytest

SECONDS_MAX = 20
PROGRAMS = {'agent': os.environ['AGENT'], 'driver': os.environ['DRIVER'], 'extender': os.environ['EXTENDER']}
NAMES = {'agent': 'pmem-capacity-agent', 'driver': 'pmem-csi-driver', 'extender': 'pmem-extender'}
NOWHERE = 'http://127.0.0.1:1'  # Nobody listens there.


def kubeconfig(cluster=None, user=None):
    """The text of a kubeconfig, as JSON, which is YAML too."""
    return json.dumps({
        'current-context': 'c',
        'contexts': [{'name': 'c', 'context': {'cluster': 'c', 'user': 'u'}}],
        'clusters': [{'name': 'c', 'cluster': cluster or {'server': NOWHERE}}],
        'users': [{'name': 'u', 'user': user or {'token': 'none'}}],
    })


@pytest.fixture
def run(tmp_path):
    """Runs a program that must refuse to; returns its one line. Of a repeated flag the last counts."""

    def one(program, *flags, config=kubeconfig()):
        if config is not None:
            (tmp_path / 'kubeconfig').write_bytes(
                config if isinstance(config, bytes) else config.encode())
        node = ('--node-name', 'n1', '--devices', f'simulated:{tmp_path / "devices"}')
        needed = {'agent': node,
                  'driver': (*node, '--endpoint', f'unix:{tmp_path / "csi.sock"}'),
                  'extender': ('--kubeconfig', tmp_path / 'kubeconfig', '--agents',
                               f'static:{tmp_path / "agents"}')}[program]
        environment = {k: v for k, v in os.environ.items() if not k.startswith('KUBERNETES_')}
        result = subprocess.run([PROGRAMS[program], *needed, *flags], capture_output=True, check=False,
                                timeout=SECONDS_MAX, env=environment)
        assert (result.returncode, result.stdout) == (2, b'')
        line = result.stderr.decode(errors='replace')
        assert line.startswith(f'{NAMES[program]}: ')
        assert line.endswith('\n') and len(line.splitlines()) == 1 and len(line) < 500
        return line

    return one


@pytest.mark.parametrize('program', PROGRAMS)
@pytest.mark.parametrize('flags, complaint', [
    (['--no-such-flag'], 'no-such-flag'),
    (['extra'], 'extra'),
    (['--listen', 'nowhere'], '"nowhere" is not HOST:PORT'),
    (['--listen', '127.0.0.1:65536'], '"127.0.0.1:65536" is not HOST:PORT'),
    (['--listen', '203.0.113.7:0'], '203.0.113.7'),
    (['--listen', 'no.such.host.invalid:0'], 'no.such.host.invalid'),
    (['--listen', '[::1]:0'], 'IPv6'),
    (['--listen'], '--listen'),
    (['--log-level', 'loud'], '"loud" is not one of debug|info|warning|error'),
])
def test_a_bad_flag(run, program, flags, complaint):
    assert complaint in run(program, *flags)


@pytest.mark.parametrize('program', PROGRAMS)
def test_a_port_in_use(run, program):
    with socket.create_server(('127.0.0.1', 0)) as other:
        address = f'127.0.0.1:{other.getsockname()[1]}'
        assert f'{address} is in use' in run(program, '--listen', address)


@pytest.mark.parametrize('flags, complaint', [
    (['--score', 'best'], '--score'),
    (['--max-candidates', '-1'], '--max-candidates'),
    (['--hold-ttl', 'long'], '--hold-ttl'),
    (['--hold-ttl', '1ms'], '--hold-ttl must be longer than --hold-wait-max'),
    (['--hold-ttl', '251ms'], '--hold-ttl 251ms is less than 10s'),
    (['--takeover-window', '0s'], '--takeover-window 0s is less than 5s'),
    (['--agent-silence-max', '1s', '--agent-wait', '1s'], '--agent-silence-max 1s'),
    (['--agents', 'somewhere'], '"somewhere" is neither'),
    (['--agent-port', '0'], '--agent-port'),
    (['--leader-elect', 'perhaps'], '--leader-elect'),
    (['--lease-duration', '1s'], 'lease'),
    (['--leader-elect', 'true', '--lease-renew-deadline', '14500ms'], '--takeover-window, must be 6s'),
    (['--body-max-mib', '0'], '--body-max-mib'),
    (['--body-max-mib', '513'], '--body-max-mib'),
    (['--io-threads', '1'], '--io-threads'),
])
def test_a_bad_flag_of_the_extender(run, flags, complaint):
    assert complaint in run('extender', *flags)


@pytest.mark.parametrize('config, complaint', [
    (None, 'No such file'),
    ('', 'current-context is missing'),
    ('just text', 'kubeconfig'),
    ('a: b: c\n', 'line 1'),
    ('[' * 100_000, 'kubeconfig'),
    (bytes(range(256)) * 20, 'kubeconfig'),
    ('#' * (5 << 20), 'bytes'),
    ('{"current-context":"x"}', 'contexts has no entry "x"'),
    ('{"current-context":{}}', 'current-context is not a text'),
    (kubeconfig({'server': ''}), '.server is missing'),
    (kubeconfig({'server': 'ftp://127.0.0.1:1'}), 'not http or https'),
    (kubeconfig({'server': 'not a url'}), 'not a url'),
    (kubeconfig({'server': NOWHERE, 'certificate-authority': '/nonexistent/ca'}), '/nonexistent/ca'),
    (kubeconfig({'server': 'https://127.0.0.1:1', 'certificate-authority-data': '!'}), 'base64'),
    (kubeconfig({'server': 'https://127.0.0.1:1', 'certificate-authority-data': 'bm90IFBFTQ=='}),
     'https://127.0.0.1:1'),
    (kubeconfig(user={'exec': {'command': 'login'}}), 'credential plugins are not supported'),
    (kubeconfig(user={'client-key-data': 'eA=='}), 'only work together'),
], ids=lambda value: str(value)[:24])
def test_a_bad_kubeconfig(run, config, complaint):
    assert complaint in run('extender', config=config)


def test_no_kubeconfig_outside_of_a_pod(run):
    assert 'not in a pod' in run('extender', '--kubeconfig', '')
