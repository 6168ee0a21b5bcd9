# SPDX-License-Identifier: Apache-2.0
"""The extender takes bodies of verbs up to what it was told, also while its API server is away."""

import http.client
import os
import pathlib
import re
import subprocess
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / 'e2e'))
from harness import processes  # noqa: E402

MIB = 1 << 20
KUBECONFIG = """{"current-context":"c","contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}],
 "clusters":[{"name":"c","cluster":{"server":"http://127.0.0.1:1"}}],"users":[{"name":"u","user":{"token":"x"}}]}"""


@pytest.fixture
def extender(tmp_path):
    """Starts it with flags; returns a connection to it."""
    (tmp_path / 'kubeconfig').write_text(KUBECONFIG)
    (tmp_path / 'agents').write_text('{}')
    log, started = tmp_path / 'log', []

    def start(*flags):
        with log.open('a') as errors:
            process = subprocess.Popen(  # pylint: disable=consider-using-with
                [os.environ['EXTENDER'], '--kubeconfig', tmp_path / 'kubeconfig', '--listen', '127.0.0.1:0', '--agents',
                 f'static:{tmp_path / "agents"}', *flags], stdout=subprocess.PIPE, stderr=errors, text=True)
        started.append(process)
        port = re.search(r':(\d+)$', process.stdout.readline())[1]
        return http.client.HTTPConnection('127.0.0.1', int(port), timeout=30)

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=30)
        assert process.returncode == 0, log.read_text()
    assert processes.sanitizer_findings(log.read_text()) == []


@pytest.mark.parametrize('flags, mib', [(['--body-max-mib', '1'], 1), ([], 128)])
def test_a_body_above_the_flag_is_413_and_one_of_that_size_is_read(extender, flags, mib):
    connection = extender(*flags)
    for size, status in ((mib * MIB + 1, 413), (mib * MIB, 400)):
        connection.request('POST', '/scheduler/filter', b' ' * size)
        answer = connection.getresponse()
        assert (answer.status, answer.getheader('Content-Type')) == (status, 'application/problem+json')
        answer.read()
    connection.request('GET', '/metrics')
    metrics = connection.getresponse().read().decode()
    assert all(f'pmem_extender_verb_refusals_total{{code="{code}"}} 1' in metrics for code in (413, 400))
