# SPDX-License-Identifier: Apache-2.0
"""How long filter takes while agents change, claims come and go and readers poll, beside a quiet time.

The API server and the agents are the fakes of scale_benchmarks. Agents and readers, which elsewhere run on machines
of their own, get what the others leave of the processor; how many reports were heard is printed. Filter reads its
claim from the API server, so that the same read alone is measured beside: what it takes longer under load is not ours.
"""

import contextlib
import http.client
import json
import multiprocessing
import subprocess
import sys
import time

import bench_tools
import builds
import scale_benchmarks
import tables

SIZE = (5000, 0)
READERS = 10
READER_PAUSE_SECONDS = 0.1
CALLS = 600
CALL_PAUSE_SECONDS = 0.01  # A scheduler has something else to do between two pods, too.
ROUNDS = 3  # Quiet and loaded in turn.
SETTLE_SECONDS = 3


def _read_for_ever(port, path, begin_after):
    time.sleep(begin_after)  # Readers know nothing of each other.
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=60)
    while True:
        connection.request('GET', path)
        connection.getresponse().read()
        time.sleep(READER_PAUSE_SECONDS)


def _call_ms(connection, method, path, body=None):
    begin = time.monotonic()
    connection.request(method, path, body)
    answer = connection.getresponse().read()
    elapsed = time.monotonic() - begin
    if error := json.loads(answer).get('Error'):
        raise SystemExit(f'bench: {error}')
    return elapsed * 1000


def _measure(times, port, our_port, size, body):
    """Adds a filter call and the read of its claim alone, in turn."""
    ours = http.client.HTTPConnection('127.0.0.1', our_port, timeout=60)
    server = http.client.HTTPConnection('127.0.0.1', port, timeout=60)
    path = f'/api/v1/namespaces/default/persistentvolumeclaims/claim-{size.volumes}'
    for _ in range(CALLS):
        times['filter'].append(_call_ms(ours, 'POST', '/scheduler/filter', body))
        times['its read alone'].append(_call_ms(server, 'GET', path))
        time.sleep(CALL_PAUSE_SECONDS)


def _readers(port, node):
    paths = ('/v1/summary', f'/v1/nodes/{node}')
    processes = [
        multiprocessing.Process(target=_read_for_ever, args=(port, paths[i % 2], i * READER_PAUSE_SECONDS / READERS), daemon=True)
        for i in range(READERS)
    ]
    for process in processes:
        process.start()
        bench_tools.use_what_is_left(process.pid)
    return processes


def _reports_heard(port):
    sys.path.insert(0, str(builds.ROOT / 'tests' / 'e2e'))
    from harness import door

    with door.Door(f'127.0.0.1:{port}') as one:
        return one.metric('pmem_extender_reports_taken_total')


@contextlib.contextmanager
def _load(fakes, fake_ports, our_port, heard):
    """Adds (reports, seconds) to `heard`."""
    readers = _readers(our_port, fakes.node_name(0))
    for port in fake_ports:
        bench_tools.get(port, '/load/on', 'PUT')
    try:
        time.sleep(SETTLE_SECONDS)
        begin, reports = time.monotonic(), _reports_heard(our_port)
        yield
        heard.append((_reports_heard(our_port) - reports, time.monotonic() - begin))
    finally:
        for port in fake_ports:
            bench_tools.get(port, '/load/off', 'PUT')
        for reader in readers:
            reader.terminate()
            reader.join()


def measure():
    """Times by when and what, and how many reports were heard in a second of the load."""
    heard = []
    times = {when: {'filter': [], 'its read alone': []} for when in ('quiet', 'loaded')}
    with scale_benchmarks.fake_server_and_agents(SIZE) as (fakes, *ports):
        size = fakes.Size(*SIZE)
        body = fakes.extender_args(size, [fakes.node_name(i) for i in range(SIZE[0])])
        with scale_benchmarks.extender(fakes, SIZE[0], *ports) as (_, our_port):
            bench_tools.wait_until_ready(our_port, scale_benchmarks.DIRECTORY)
            time.sleep(10)  # What a takeover holds, and each agent's first polls, are over.
            for _ in range(ROUNDS):
                _measure(times['quiet'], ports[0], our_port, size, body)
                with _load(fakes, ports, our_port, heard):
                    _measure(times['loaded'], ports[0], our_port, size, body)
                time.sleep(SETTLE_SECONDS)
    return times, sum(count for count, _ in heard) / sum(seconds for _, seconds in heard)


HEADINGS = ('when', 'what', 'calls', 'p50 ms', 'p99 ms')
NOTE = (
    f'{SIZE[0]} names, a pod with one claim. loaded: each agent changes once in 10 s, 50 claims a second come and\n'
    f'go, {READERS} readers ask for the summary or a node every {READER_PAUSE_SECONDS:.1f} s.'
)


def load(as_json=False):
    for command in builds.build_commands(builds.RELEASE, ['extender/pmem-extender']):
        subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    rows = []
    measured, reports_per_second = measure()
    for when, calls in measured.items():
        for what, times in calls.items():
            times.sort()
            p50, p99 = (round(bench_tools.quantile(times, share), 2) for share in (0.5, 0.99))
            rows.append({'when': when, 'what': what, 'calls': len(times), 'p50_ms': p50, 'p99_ms': p99})
    if as_json:
        return print(json.dumps({'rows': rows, 'reports_per_second': round(reports_per_second)}, indent=1))
    print('\n'.join(tables.table(HEADINGS, [list(row.values()) for row in rows], HEADINGS[2:])))
    for quiet, loaded in zip(rows[:2], rows[2:], strict=True):
        print(f'p99 of {quiet["what"]}, loaded / quiet: {loaded["p99_ms"] / quiet["p99_ms"]:.1f}')
    print(NOTE)
    print(f'Reports heard under load: {reports_per_second:.0f} a second.')
