# SPDX-License-Identifier: Apache-2.0
"""`./dev bench scheduler`: tests/e2e/scheduler_rate.py, all ways in turn, as a table of medians and ratios."""

import json
import shutil
import statistics
import sys

import bench_tools
import builds
import tables

DIRECTORY = builds.BUILD / 'bench-scheduler'
SIZE = (5000, 400)
RUNS = 3


def size(text):
    """'5000x400' -> (5000, 400)"""
    nodes, pods = map(int, text.split('x'))
    return nodes, pods


def _measure(nodes, pods, runs, only):
    """{way: its runs}. A run of each way, then of each the other way round, and so on: what the machine does besides, and
    what it does slower and slower, meets all alike."""
    sys.path[:0] = [str(builds.ROOT / 'tests' / part) for part in ('e2e', 'benchmark')]
    import echo_extender
    import fake_cluster
    import scheduler_rate as measured
    from harness import cluster

    ways = measured.chosen(only)
    names = [fake_cluster.node_name(i) for i in range(nodes)]
    agents = fake_cluster.Size(nodes, 0, room=measured.ROOM)
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    running = cluster.Cluster(DIRECTORY, [])
    found = {way.name: [] for way in ways}
    try:
        running.control_plane.start()
        with (
            bench_tools.serving(fake_cluster.run_agents, agents, is_elsewhere=True) as agents_port,
            bench_tools.serving(echo_extender.run) as echo_port,
        ):
            measured.populate(running, names, agents_port)
            bench = measured.Bench(running, echo_port)
            for number in range(runs):
                for way in ways if number % 2 == 0 else reversed(ways):
                    run = bench.run(way, pods)
                    found[way.name].append(run)
                    _tell(run)
    finally:
        running.stop()
    return found


def _tell(run):
    print(
        f'  {run.way:24}{run.placed:5} in {run.seconds:6.1f} s, processor time a pod: scheduler '
        f'{run.scheduler_cpu_ms:.1f} ms, ours {run.extender_cpu_ms:.1f} ms; in our verbs {run.verbs_ms:.1f} ms, '
        f'{run.live_read_ms:.1f} of it for live reads',
        file=sys.stderr,
        flush=True,
    )


def _rows(found):
    base = next(iter(found.values()))
    for name, runs in found.items():
        ratios = [run.rate / other.rate for run, other in zip(runs, base)]
        rates = [run.rate for run in runs]
        yield {
            'way': name, 'runs': len(runs), 'pods': runs[0].pods, 'placed_min': min(run.placed for run in runs),
            'pods_per_s': round(statistics.median(rates), 2), 'pods_per_s_min': round(min(rates), 2),
            'pods_per_s_max': round(max(rates), 2), 'ratio': round(statistics.median(ratios), 3),
            'ratio_min': round(min(ratios), 3), 'ratio_max': round(max(ratios), 3),
            'scheduler_cpu_ms': round(statistics.median(run.scheduler_cpu_ms for run in runs), 1),
            'extender_cpu_ms': round(statistics.median(run.extender_cpu_ms for run in runs), 1),
            'verbs_ms': round(statistics.median(run.verbs_ms for run in runs), 1),
            'live_read_ms': round(statistics.median(run.live_read_ms for run in runs), 1),
        }  # fmt: skip


HEADINGS = (
    'way', 'placed', 'pods/s', 'least', 'most', 'ratio', 'least', 'most', 'scheduler CPU ms/pod', 'ours', 'in our verbs', 'live reads',
)  # fmt: skip
NOTE = (
    'Medians. ratio: pods/s beside `without` of the same round. From the first pod created to the last claim with its\n'
    'node; nobody makes volumes, and the agents are fakes. Processor time of the scheduler, and of our extender, a pod;\n'
    'what filter and prioritize took inside ours, and how much of that they waited for the API server.'
)


def _cells(row):
    keys = ('pods_per_s', 'pods_per_s_min', 'pods_per_s_max', 'ratio', 'ratio_min', 'ratio_max')
    numbers = [f'{row[key]:.2f}' for key in keys]
    costs = [row[key] for key in ('scheduler_cpu_ms', 'extender_cpu_ms', 'verbs_ms', 'live_read_ms')]
    return [row['way'], f'{row["placed_min"]}/{row["pods"]}', *numbers, *costs]


def scheduler(size=SIZE, runs=RUNS, only='', as_json=False):
    rows = list(_rows(_measure(*size, runs, only)))
    if as_json:
        return print(json.dumps({'nodes': size[0], 'ways': rows}, indent=1))
    print(f'{size[0]} nodes, {size[1]} pods with a claim each, {runs} rounds')
    print('\n'.join(tables.table(HEADINGS, map(_cells, rows), HEADINGS[1:])))
    print(NOTE)
