# SPDX-License-Identifier: Apache-2.0
"""How long filter takes while agents change, claims come and go and readers poll, beside a quiet time.

The API server and the agents are the fakes of scale_benchmarks.
"""

import http.client
import json
import multiprocessing
import subprocess
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


def _read_for_ever(port, path):
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=60)
    while True:
        connection.request('GET', path)
        connection.getresponse().read()
        time.sleep(READER_PAUSE_SECONDS)


def _filter_ms(port, body):
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=60)
    times = []
    for _ in range(CALLS):
        begin = time.monotonic()
        connection.request('POST', '/scheduler/filter', body)
        answer = json.loads(connection.getresponse().read())
        times.append((time.monotonic() - begin) * 1000)
        if answer['Error']:
            raise SystemExit(f'bench: {answer["Error"]}')
        time.sleep(CALL_PAUSE_SECONDS)
    return times


def _readers(port, node):
    paths = ('/v1/summary', f'/v1/nodes/{node}')
    processes = [
        multiprocessing.Process(target=_read_for_ever, args=(port, paths[i % 2]), daemon=True)
        for i in range(READERS)
    ]
    for process in processes:
        process.start()
    return processes


def _loaded_ms(fakes, port, our_port, body):
    readers = _readers(our_port, fakes.node_name(0))
    bench_tools.get(port, '/load/on', 'PUT')
    try:
        time.sleep(SETTLE_SECONDS)
        return _filter_ms(our_port, body)
    finally:
        bench_tools.get(port, '/load/off', 'PUT')
        for reader in readers:
            reader.terminate()
            reader.join()


def measure():
    times = {'quiet': [], 'loaded': []}
    with scale_benchmarks.fake_cluster(SIZE) as (fakes, port):
        body = fakes.extender_args(fakes.Size(*SIZE), [fakes.node_name(i) for i in range(SIZE[0])])
        with scale_benchmarks.extender(fakes, SIZE[0], port) as (_, our_port):
            bench_tools.wait_until_ready(our_port, scale_benchmarks.DIRECTORY)
            time.sleep(10)  # What a takeover holds, and each agent's first polls, are over.
            for _ in range(ROUNDS):
                times['quiet'] += _filter_ms(our_port, body)
                times['loaded'] += _loaded_ms(fakes, port, our_port, body)
                time.sleep(SETTLE_SECONDS)
    return times


HEADINGS = ('when', 'calls', 'p50 ms', 'p99 ms')
NOTE = (
    f'{SIZE[0]} names, a pod with one claim. loaded: each agent changes once in 10 s, 50 claims a second come and\n'
    f'go, {READERS} readers ask for the summary or a node every {READER_PAUSE_SECONDS:.1f} s.'
)


def load(as_json=False):
    for command in builds.build_commands(builds.RELEASE, None, ['extender/pmem-extender']):
        subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    rows = []
    for when, times in measure().items():
        times.sort()
        quantiles = [round(bench_tools.quantile(times, share), 2) for share in (0.5, 0.99)]
        rows.append(dict(zip(('when', 'calls', 'p50_ms', 'p99_ms'), (when, len(times), *quantiles), strict=True)))
    if as_json:
        return print(json.dumps(rows, indent=1))
    print('\n'.join(tables.table(HEADINGS, [list(row.values()) for row in rows], HEADINGS[1:])))
    print(f'p99, loaded / quiet: {rows[1]["p99_ms"] / rows[0]["p99_ms"]:.1f}')
    print(NOTE)
