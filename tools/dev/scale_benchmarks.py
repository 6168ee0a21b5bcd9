# SPDX-License-Identifier: Apache-2.0
"""The extender beside a fake cluster of thousands of nodes: start, memory, how soon a change shows.

The API server and the agents are fakes (tests/benchmark/fake_cluster.py): what is measured is ours.
"""

import contextlib
import http.client
import json
import shutil
import subprocess
import sys
import time

import bench_tools
import builds
import tables

EXTENDER = builds.RELEASE.directory / 'extender' / 'pmem-extender'
DIRECTORY = builds.BUILD / 'bench-scale'
CHANGES = 200
SETTLE_SECONDS = 12  # What the start needed is given back, the last of it ten seconds after (Ticker::kTicksToSettle).
# Nodes, PersistentVolumes with their claims. The first two give a slope, the last is the goal's.
SIZES = ((1000, 0), (5000, 0), (5000, 50000))
LISTS = (
    '/api/v1/nodes', '/api/v1/persistentvolumes', '/api/v1/persistentvolumeclaims', '/api/v1/pods',
)  # fmt: skip


def _fakes():
    sys.path.insert(0, str(builds.ROOT / 'tests' / 'benchmark'))
    import fake_cluster as fakes

    return fakes


@contextlib.contextmanager
def fake_cluster(size):
    """API server and agents in one process, and its port."""
    fakes = _fakes()
    with bench_tools.serving(fakes.run, fakes.Size(*size)) as port:
        yield fakes, port


@contextlib.contextmanager
def fake_server_and_agents(size):
    """A process each, and their ports: what the server answers does not wait for the agents."""
    fakes = _fakes()
    elsewhere = bench_tools.serving(fakes.run_agents, fakes.Size(*size), is_elsewhere=True)
    with bench_tools.serving(fakes.run, fakes.Size(*size)) as port, elsewhere as agents_port:
        yield fakes, port, agents_port


def extender(fakes, nodes, port, agents_port=None):
    """The running process and its port."""
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    DIRECTORY.mkdir(parents=True)
    url = f'http://127.0.0.1:{port}'
    agents = {fakes.node_name(i): fakes.agent_url(i, agents_port or port) for i in range(nodes)}
    (DIRECTORY / 'agents.json').write_text(json.dumps(agents))
    config = {
        'apiVersion': 'v1', 'kind': 'Config', 'current-context': 'fake',
        'contexts': [{'name': 'fake', 'context': {'cluster': 'fake', 'user': 'fake'}}],
        'clusters': [{'name': 'fake', 'cluster': {'server': url}}],
        'users': [{'name': 'fake', 'user': {}}],
    }  # fmt: skip
    (DIRECTORY / 'kubeconfig').write_text(json.dumps(config))
    command = [
        EXTENDER, '--kubeconfig', DIRECTORY / 'kubeconfig', '--listen', '127.0.0.1:0',
        '--agents', f'static:{DIRECTORY / "agents.json"}', '--capacity-objects', 'false',
        '--placement-controller', 'false',
    ]  # fmt: skip
    return bench_tools.listening(command, DIRECTORY)


def _download_seconds(port):
    out = [part for path in LISTS for part in ('-o', '/dev/null', f'http://127.0.0.1:{port}{path}')]
    begin = time.monotonic()
    subprocess.run(['curl', '-sSf', *out], check=True)
    return time.monotonic() - begin


def _change_ms(fakes, size, port, our_port):
    """From a change on an agent to the filter answer that knows it, each time on another node."""
    connection = http.client.HTTPConnection('127.0.0.1', our_port, timeout=60)
    times = []
    for number in range(min(CHANGES, size[0])):
        args = fakes.extender_args(fakes.Size(*size), [fakes.node_name(number)])
        begin = time.monotonic()
        bench_tools.get(port, f'/change/{number}', 'PUT')
        while True:
            connection.request('POST', '/scheduler/filter', args)
            result = json.loads(connection.getresponse().read())
            if result['Error']:
                raise SystemExit(f'bench: {result["Error"]}')
            if result['NodeNames']:
                break
        times.append((time.monotonic() - begin) * 1000)
    return sorted(times)


def measure(size):
    nodes = size[0]
    with fake_cluster(size) as (fakes, port):
        curl = min(_download_seconds(port) for _ in range(3))
        begin = time.monotonic()
        with extender(fakes, nodes, port) as (process, our_port):
            bench_tools.wait_until_ready(our_port, DIRECTORY)
            ready = time.monotonic() - begin
            time.sleep(SETTLE_SECONDS)
            row = {
                'nodes': nodes, 'volumes': size[1], 'curl_s': round(curl, 2), 'ready_s': round(ready, 2),
                'resident_bytes': bench_tools.status_number(process, 'VmRSS'),
                'peak_bytes': bench_tools.status_number(process, 'VmHWM'),
            }  # fmt: skip
            times = _change_ms(fakes, size, port, our_port)
            for share, name in ((0.5, 'p50'), (0.99, 'p99')):
                row[f'change_{name}_ms'] = round(bench_tools.quantile(times, share), 1)
    return row


HEADINGS = (
    'nodes', 'PVs', 'curl s', 'ready s', 'x', 'MiB', 'peak MiB', 'change p50 ms', 'p99 ms',
)  # fmt: skip
NOTE = (
    'ready: from the start of the process to /readyz, with the reports of all agents. curl: the same lists from\n'
    'the same fake. change: from an agent\'s new report to the filter answer that knows it, all agents connected.'
)


def _cells(row):
    ratio = f'{row["ready_s"] / row["curl_s"]:.1f}'
    return [
        row['nodes'], row['volumes'], row['curl_s'], row['ready_s'], ratio, row['resident_bytes'] >> 20,
        row['peak_bytes'] >> 20, row['change_p50_ms'], row['change_p99_ms'],
    ]  # fmt: skip


def scale(as_json=False):
    builds_needed = builds.build_commands(builds.RELEASE, ['extender/pmem-extender'])
    for command in builds_needed:
        subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    rows = [measure(size) for size in SIZES]
    if as_json:
        return print(json.dumps(rows, indent=1))
    print('\n'.join(tables.table(HEADINGS, map(_cells, rows), HEADINGS)))
    small, many, full = rows
    per_node = (many['resident_bytes'] - small['resident_bytes']) / (many['nodes'] - small['nodes'])
    per_volume = (full['resident_bytes'] - many['resident_bytes']) / full['volumes']
    print(f'bytes a node with its agent: {per_node:.0f}; a PersistentVolume with its claim: {per_volume:.0f}')
    print(NOTE)
