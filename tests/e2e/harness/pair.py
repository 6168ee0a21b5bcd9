# SPDX-License-Identifier: Apache-2.0
"""One agent over simulated devices and one extender that listens to it, without an API server.

Enough for what both say about themselves. The extender never becomes ready, for its watches never
connect.
"""
import contextlib
import json
import pathlib

import yaml

from . import cluster, door, processes, waiting

NODE = 'n1'
LISTENING = cluster.LISTENING
NOWHERE = 'http://127.0.0.1:1'  # Nobody listens there: refused at once.


@contextlib.contextmanager
def running(directory, layout, agent=cluster.AGENT, extender=cluster.EXTENDER):
    """Yields (agent URL, extender URL) once the extender has the agent's first report."""
    directory = pathlib.Path(directory)
    supervisor = processes.Supervisor(directory / 'logs')
    try:
        (directory / 'devices.json').write_text(json.dumps(layout))
        agent_process = supervisor.start('agent', [
            agent, '--node-name', NODE, '--listen', '127.0.0.1:0',
            '--devices', f'simulated:{directory / "devices.json"}'])
        agent_url = f'http://{agent_process.wait_for_line(LISTENING)[1]}'
        (directory / 'agents.json').write_text(json.dumps({NODE: agent_url}))
        (directory / 'kubeconfig').write_text(yaml.safe_dump({
            'apiVersion': 'v1', 'kind': 'Config', 'current-context': 'c',
            'clusters': [{'name': 'c', 'cluster': {'server': NOWHERE}}],
            'contexts': [{'name': 'c', 'context': {'cluster': 'c', 'user': 'u'}}],
            'users': [{'name': 'u', 'user': {'token': 'none'}}]}))
        extender_process = supervisor.start('extender', [
            extender, '--kubeconfig', directory / 'kubeconfig', '--listen', '127.0.0.1:0',
            '--agents', f'static:{directory / "agents.json"}', '--leader-elect=false'])
        extender_url = f'http://{extender_process.wait_for_line(LISTENING)[1]}'
        waiting.until(lambda: _has_report(extender_url), 'the extender has the report')
        yield agent_url, extender_url
    finally:
        supervisor.stop_all()


@contextlib.contextmanager
def driver(directory, program):
    """Yields the URL of a driver over the same devices, for /metrics."""
    supervisor = processes.Supervisor(pathlib.Path(directory) / 'logs')
    try:
        process = supervisor.start('driver', [
            program, '--node-name', NODE, '--listen', '127.0.0.1:0',
            '--endpoint', f'unix:{directory}/csi.sock', '--devices', f'simulated:{directory}/devices.json'])
        yield f'http://{process.wait_for_line("metrics on (.+)")[1]}'
    finally:
        supervisor.stop_all()


def metrics_text(url):
    """What a program answers under /metrics."""
    with door.Door(url.removeprefix('http://'), seconds=10) as one:
        answer = one.send('GET', '/metrics')
    assert answer.status == 200, f'{url}/metrics: {answer.status} {answer.text}'
    return answer.text


def _has_report(extender_url):
    """Asked of the metrics: REST answers 503 until the API server was listed, which never happens."""
    return f'pmem_extender_report_age_seconds{{node="{NODE}"}}' in metrics_text(extender_url)
