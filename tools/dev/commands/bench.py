# SPDX-License-Identifier: Apache-2.0
"""Measures and prints, beside a floor or a peer; nothing is judged but by --check.

usage: ./dev bench [verbs | locks | scale | load | agent | idle | wakeup | takeover | bursts | scheduler]... [--runs N] [--only TEXT]
                   [--size NODESxPODS] [--json] [--check | --write]
  verbs     filter and prioritize beside a bare handler of the same HTTP library; what is run without a word
  locks     what holds the ledger's lock for long, and what a filter call waits for it; no network
  scale     start, memory and how soon a change shows, beside a fake API server and 5,000 fake agents
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
  --check   instructions a call against the kept ones; exit 1 when one grew. --write keeps the new ones
"""

import contextlib
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


def _verbs(arguments):
    if '--check' in arguments or '--write' in arguments:
        return 0 if verb_benchmarks.check(write='--write' in arguments) else 1
    verb_benchmarks.verbs(as_json='--json' in arguments)
    return 0


MEASURES = types.MappingProxyType({'wakeup': wakeup, 'takeover': takeover, 'bursts': bursts})


def main(arguments):
    options = {}
    for option, read in (('--runs', int), ('--only', str), ('--size', scheduler_benchmark.size)):
        if option in arguments:
            at = arguments.index(option)
            options[option[2:]] = read(arguments[at + 1])
            arguments = arguments[:at] + arguments[at + 2 :]
    flags = [a for a in arguments if a in ('--json', '--check', '--write')]
    arguments = [a for a in arguments if a not in flags] or ['verbs']
    if arguments == ['verbs']:
        return _verbs(flags)
    if arguments == ['locks']:
        lock_benchmark.locks(as_json='--json' in flags)
        return 0
    if arguments == ['scale']:
        return scale_benchmarks.scale(as_json='--json' in flags)
    if arguments == ['load']:
        return load_benchmark.load(as_json='--json' in flags)
    if arguments == ['agent']:
        return polls_benchmark.polls(as_json='--json' in flags)
    if arguments == ['idle']:
        return idle_benchmarks.idle(as_json='--json' in flags)
    if '--help' in arguments or (arguments != ['scheduler'] and set(arguments) - set(MEASURES)):
        print(__doc__)
        return 0 if '--help' in arguments else 2
    if not demo.prepare(sys.stderr if '--json' in flags else sys.stdout):
        return 1
    if arguments == ['scheduler']:
        scheduler_benchmark.scheduler(**options, as_json='--json' in flags)
        return 0
    for name in arguments:
        MEASURES[name](**options)
    return 0
