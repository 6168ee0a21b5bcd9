# SPDX-License-Identifier: Apache-2.0
"""Measures and prints, beside a floor or a peer; nothing is judged but by --check.

usage: ./dev bench [verbs | locks | scale | start | load | agent | idle | wakeup | takeover | bursts | scheduler]... [--runs N] [--only TEXT]
                   [--size NODESxPODS] [--json] [--check | --write]
  verbs     filter and prioritize beside a bare handler of the same HTTP library; what is run without a word
  locks     what holds the ledger's lock for long, and what a filter call waits for it; no network
  scale     start, memory and how soon a change shows, beside a fake API server and 5,000 fake agents
  start     the start beside curl, which downloads the same 105,000 objects from the same real kube-apiserver,
            N times, 5 by default; minutes to make them
  load      filter while 5,000 fake agents change, claims come and go and readers poll, beside a quiet time
  agent     an agent with as many long-polls as it takes: threads, memory, idle CPU, how soon all hear of a change
  idle      CPU and memory of agent and driver over a minute in which nothing happens
  wakeup    the cluster is full, a claim is deleted: from the freed volume to the pending pod's node
  takeover  two replicas with the shipped timings, the leader killed: until the Service leads to the next
  bursts    pods that fill the cluster exactly, with trouble of every kind; beside each the same without
            the extender, and how much longer it took than on nodes that could hold all of it each. The first
            burst N times, 20 by default, the others a quarter of that: about an hour. --only TEXT: those
            whose name has TEXT in it
  scheduler a real kube-scheduler and 5,000 Node objects: pods a second without an extender, with one that does
            nothing and with ours, in turn, N times, 3 by default. --size 200x50 takes two minutes. --only TEXT:
            without, and those whose name has TEXT in it
  --json    the numbers for programs; not of wakeup, takeover and bursts
  --check   instructions a call against the kept ones; exit 1 when one grew. --write keeps the new ones
"""

import contextlib
import inspect
import shutil
import sys
import time
import types

import builds
import burst_benchmarks
import idle_benchmarks
import load_benchmark
import lock_benchmark
import polls_benchmark
import scale_benchmarks
import scheduler_benchmark
import start_benchmark
import usage
import verb_benchmarks
from commands import demo

DIRECTORY = builds.BUILD / 'bench'
WAKEUP_RUNS = 30
TAKEOVER_RUNS = 1


@contextlib.contextmanager
def scene(node_count):
    """A cluster of its own and a kube namespace in it; nothing runs afterwards."""
    sys.path.insert(0, str(builds.ROOT / 'tests' / 'e2e'))
    from harness import cluster
    from scene import Scene

    shutil.rmtree(DIRECTORY, ignore_errors=True)
    running = cluster.Cluster(DIRECTORY, [f'node-{i:02}' for i in range(node_count)])
    try:
        running.start()
        yield Scene(running, 'bench')
    finally:
        running.stop()


def wakeup(runs=WAKEUP_RUNS):
    with scene(node_count=3) as one:
        import wakeup as measured

        times = measured.measure(one, runs)
    print('wake-up, freed to pod bound (kube-scheduler itself waits 1 s for the volume):')
    print(f'  {measured.summary(times)}')


def takeover(runs=TAKEOVER_RUNS):
    sys.path.insert(0, str(builds.ROOT / 'tests' / 'e2e'))
    from harness import replicas

    shutil.rmtree(DIRECTORY, ignore_errors=True)
    running = replicas.ReplicatedCluster(DIRECTORY, ['node-1'])
    try:
        running.start()
        for _ in range(runs):
            leader = running.heal()
            leader.process.kill()
            killed = time.monotonic()
            running.wait_leader(other_than=leader)
            print(f'takeover, shipped timings: {time.monotonic() - killed:.1f} s')
    finally:
        running.stop()


def bursts(runs=burst_benchmarks.FULL_RUNS, only=''):
    with scene(burst_benchmarks.NODES) as first:
        burst_benchmarks.run_all(first.cluster, runs, only)


# What each takes is in its signature; those in NEEDS_CLUSTER want the programs of a control plane.
MEASURES = types.MappingProxyType(
    {
        'verbs': verb_benchmarks.verbs,
        'locks': lock_benchmark.locks,
        'scale': scale_benchmarks.scale,
        'start': start_benchmark.start,
        'load': load_benchmark.load,
        'agent': polls_benchmark.polls,
        'idle': idle_benchmarks.idle,
        'scheduler': scheduler_benchmark.scheduler,
        'wakeup': wakeup,
        'takeover': takeover,
        'bursts': bursts,
    }
)
NEEDS_CLUSTER = ('start', 'scheduler', 'wakeup', 'takeover', 'bursts')
FLAGS = ('--json', '--check', '--write')
OPTIONS = (('--runs', int), ('--only', str), ('--size', scheduler_benchmark.size))


def refuse(names, flags, options):
    """What a benchmark could make nothing of."""
    usage.refuse_options_but((), names)
    usage.refuse([name for name in names if name not in MEASURES], 'benchmark', MEASURES)
    for name in names:
        takes = inspect.signature(MEASURES[name]).parameters
        if useless := [f'--{option}' for option in options if option not in takes]:
            raise usage.Wrong(f'{name} has no {", ".join(useless)}')
        if '--json' in flags and 'as_json' not in takes:
            raise usage.Wrong(f'{name} prints for people alone, it has no --json')


def main(arguments):
    options = {}
    for option, read in OPTIONS:
        value, arguments = usage.take(option, arguments, read)
        if value is not None:
            options[option[2:]] = value
    flags = [a for a in arguments if a in FLAGS]
    names = [a for a in arguments if a not in flags] or ['verbs']
    refuse(names, flags, options)
    if '--check' in flags or '--write' in flags:
        return 0 if verb_benchmarks.check(write='--write' in flags) else 1
    as_json = '--json' in flags
    if set(names) & set(NEEDS_CLUSTER) and not demo.prepare(sys.stderr if as_json else sys.stdout):
        return 1
    for name in names:
        MEASURES[name](**options, **({'as_json': True} if as_json else {}))
    return 0
