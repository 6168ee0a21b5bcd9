# SPDX-License-Identifier: Apache-2.0
"""The demo does what it says and leaves nothing running."""

import json
import pathlib
import re
import subprocess

from harness import cluster as clusters
from harness import waiting


def processes_with(text):
    """Command lines that contain the text."""
    found = []
    for path in pathlib.Path('/proc').glob('[0-9]*/cmdline'):
        try:
            words = path.read_bytes().replace(b'\0', b' ').decode(errors='replace')
        except OSError:
            continue
        if text in words:
            found.append(words)
    return found


def run_demo(*arguments):
    command = [
        '/usr/bin/python3',
        '-B',
        clusters.ROOT / 'tools' / 'dev' / 'main.py',
        'demo',
        *arguments,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def check_told(told):
    """Of the JSON."""
    verdict = told['verdict']
    assert verdict['placed'] == verdict['wanted'] == 14
    assert (verdict['over_committed'], verdict['failed_creations'], verdict['wrong']) == (0, 0, [])
    nodes = {claim['claim']: claim['node'] for claim in told['claims']}
    assert nodes.pop('one-too-many') == '-'
    assert set(nodes.values()) == {'node-lvm', 'node-direct', 'node-both'}
    assert [n for n in told['one_too_many']['explain']['nodes'] if n['fits']] == []


def running():
    return processes_with(str(clusters.ROOT / 'build' / 'demo'))


def test_demo_places_all_but_the_one_too_many_answers_kubectl_while_it_is_kept_and_leaves_nothing_running():
    done = run_demo('--keep', '--json')
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        check_told(json.loads(done.stdout))
        kubeconfig = re.search(r'kubeconfig  (\S+)', done.stderr)[1]
        pods = subprocess.run(
            [clusters.BINARIES / 'kubectl', f'--kubeconfig={kubeconfig}', 'get', 'pods', '-o', 'json'],
            capture_output=True,
            text=True,
            check=True,
        )
        assert len(json.loads(pods.stdout)['items']) == 15
    finally:
        stopped = run_demo('--stop')
    assert stopped.returncode == 0, stopped.stderr
    waiting.until(lambda: running() == [], 'nothing is left running')


def test_demo_that_is_not_kept_leaves_nothing_running():
    done = run_demo('--json')
    assert done.returncode == 0, done.stderr
    check_told(json.loads(done.stdout))
    assert running() == []
