# SPDX-License-Identifier: Apache-2.0
"""How many pods a second a real kube-scheduler sends to nodes, out of thousands, in several ways in turn.

The nodes are objects without kubelets. The agents are fakes in one process, each with the same room;
they do not hear of claims. Nobody makes volumes: a pod is done when its claim has the node that the
scheduler chose for it, which is where the scheduler's own work on it ends but for the wait for the
volume. Each run starts its scheduler and its extender anew and ends them.
"""

import concurrent.futures
import contextlib
import dataclasses
import json
import threading
import time

from harness import door, objects, waiting

KUBE_NAMESPACE = 'default'
CLIENTS = 8
WARM_UP_PODS = 3
SETTLE_SECONDS = 8.0  # What a new leader holds is over by then (--takeover-window).
READY_SECONDS_MAX = 180
RUN_SECONDS_MAX = 180  # What is placed by then counts.
ROOM = 150  # Volumes of 10 GiB a node: a VolumeGroup of 1.5 TiB.
TOPOLOGY = f'topology.{objects.DRIVER}/node'


@dataclasses.dataclass(frozen=True)
class Way:
    """`extender`: none, echo or ours. `flags` are ours, `settings` the scheduler's."""

    name: str
    extender: str = 'none'
    flags: tuple = ()
    has_capacities: bool = False  # The scheduler's own filter looks at our CSIStorageCapacity objects.
    settings: tuple = ()  # Pairs.


CAPPED = ('--max-candidates', '100')  # As manifests/base/extender.yaml has it.
# Without what the agents' fakes, on the same cores, take to answer 250 polls a second.
QUIET = ('--capacity-objects', 'false', '--agent-wait', '5m', '--agent-silence-max', '11m')

WITHOUT = Way('without')
ALL = (
    WITHOUT,
    Way('echo', 'echo'),
    Way('ours, all named', 'ours', QUIET),
    Way('ours, 500 named', 'ours', (*QUIET, '--max-candidates', '500')),
    Way('ours, 100 named', 'ours', (*QUIET, *CAPPED)),
    Way('ours, as shipped', 'ours', CAPPED, has_capacities=True),
    # What kube-scheduler itself does when nobody tells it to look at every node.
    Way('without, sampling', settings=(('percentageOfNodesToScore', 0),)),
)
# Minutes a pod; only when it is asked for.
SLOW = Way('an object a node', 'ours', (*CAPPED, '--capacity-objects-nodes-max', '100000'), has_capacities=True)


def chosen(text):
    """`without` and those whose name has the text in it."""
    named = [way for way in (*ALL, SLOW) if text in way.name] if text else ALL
    return (WITHOUT, *(way for way in named if way != WITHOUT))


@dataclasses.dataclass(frozen=True)
class Run:
    way: str
    pods: int
    placed: int
    seconds: float
    scheduler_cpu_ms: float  # A pod.
    extender_cpu_ms: float  # Of ours alone.
    verbs_ms: float  # What filter and prioritize took inside ours, a pod.
    live_read_ms: float  # Of that, what they waited for the API server.

    @property
    def rate(self):
        return self.placed / self.seconds


def populate(cluster, names, agents_port):
    """A Node object and an agent for each name, what ships installed."""
    cluster.install()

    def create(name):
        cluster.api.create(objects.node(name, {objects.TYPE_LABEL: 'lvm', TOPOLOGY: name}))

    _each(create, names)
    agents = {name: f'http://127.0.0.1:{agents_port}/agent/{i}' for i, name in enumerate(names)}
    (cluster.directory / 'agents.json').write_text(json.dumps(agents))


def _each(work, items):
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(work, items))


class Bench:
    """One populated cluster and the port of an echo. Runs one way after the other on it."""

    def __init__(self, cluster, echo_port):
        self.cluster, self.echo_port = cluster, echo_port
        self._numbers = iter(range(10**9))

    def run(self, way, pods):
        cluster = self.cluster
        name = f'scheduler-{next(self._numbers)}'
        cluster.api.merge('csidrivers', objects.DRIVER, {'spec': {'storageCapacity': way.has_capacities}})
        with self._extender(way) as url:
            scheduler = cluster.control_plane.start_scheduler(
                url, name, profile=name, settings=dict(way.settings)
            )
            try:
                self._place('warm', WARM_UP_PODS, name)
                return self._measure(way, pods, name, scheduler)
            finally:
                scheduler.stop()
                del cluster.supervisor.running[name]
                self.clear()

    def _measure(self, way, pods, name, scheduler):
        claims = [f'burst-{i:04}' for i in range(pods)]
        _each(self._create_claim, claims)
        threading.Event().wait(SETTLE_SECONDS)
        extender = self.cluster.extender if way.extender == 'ours' else None
        programs = [p for p in (scheduler, extender) if p]
        before = [p.cpu_seconds() for p in programs]
        waits_before = self._waits() if extender else (0.0, 0.0)
        began = time.monotonic()
        _each(lambda claim: self._create_pod(claim, name), claims)
        placed = self._wait_pinned(claims)
        seconds = time.monotonic() - began
        used = [(p.cpu_seconds() - b) * 1000 / max(1, placed) for p, b in zip(programs, before)]
        waits = self._waits() if extender else (0.0, 0.0)
        waited = [(now - then) * 1000 / max(1, placed) for now, then in zip(waits, waits_before)]
        return Run(way.name, pods, placed, seconds, used[0], used[1] if extender else 0.0, *waited)

    def _waits(self):
        """Seconds inside our verbs so far, and of those the ones in live reads."""
        with door.Door(self.cluster.extender_address) as one:
            series = 'pmem_extender_verb_duration_seconds_sum{verb="%s"}'
            verbs = sum(one.metric(series % verb) for verb in ('filter', 'prioritize'))
            return verbs, one.metric('pmem_extender_live_read_seconds_total')

    def _place(self, prefix, count, scheduler):
        claims = [f'{prefix}-{i:04}' for i in range(count)]
        _each(self._create_claim, claims)
        _each(lambda claim: self._create_pod(claim, scheduler), claims)
        if self._wait_pinned(claims) < count:
            raise waiting.Timeout(f'{scheduler} does not place the first {count} pods')

    def _create_claim(self, name):
        self.cluster.api.create(objects.claim(name), KUBE_NAMESPACE)

    def _create_pod(self, claim, scheduler):
        self.cluster.api.create(objects.pod(claim, [claim], schedulerName=scheduler), KUBE_NAMESPACE)

    def _wait_pinned(self, claims):
        """How many of the claims have their node, once all have or it takes too long."""
        missing, stop = set(claims), threading.Event()
        timer = threading.Timer(RUN_SECONDS_MAX, stop.set)
        timer.start()
        for event, claim in self.cluster.api.watch('persistentvolumeclaims', stop):
            if event != 'DELETED' and claim['metadata'].get('annotations', {}).get(objects.SELECTED_NODE):
                missing.discard(claim['metadata']['name'])
            if not missing:
                break
        timer.cancel()
        return len(claims) - len(missing)

    @contextlib.contextmanager
    def _extender(self, way):
        """Yields its URL, or None."""
        if way.extender != 'ours':
            yield f'http://127.0.0.1:{self.echo_port}' if way.extender == 'echo' else None
            return
        cluster = self.cluster
        cluster.extender_flags = way.flags
        cluster.extender_address = '127.0.0.1:0'
        cluster.start_extender(wait=False)
        try:
            cluster.wait_extender_ready(READY_SECONDS_MAX)
            if way.has_capacities:
                self._wait_for_objects()
            yield cluster.extender_url
        finally:
            cluster.extender.stop()

    def _wait_for_objects(self):
        with door.Door(self.cluster.extender_address) as one:
            waiting.until(
                lambda: one.metric('pmem_extender_capacity_objects')
                and not one.metric('pmem_extender_capacity_objects_pending'),
                'all capacity objects are as they should be',
                READY_SECONDS_MAX,
                0.5,
            )

    def clear(self):
        api = self.cluster.api
        for resource, query in (('pods', {'gracePeriodSeconds': 0}), ('persistentvolumeclaims', {})):
            api.request('DELETE', api.path(resource, KUBE_NAMESPACE), **query)
        waiting.until(
            lambda: not api.list('pods', KUBE_NAMESPACE)
            and not api.list('persistentvolumeclaims', KUBE_NAMESPACE),
            'pods and claims of the last run are gone',
            READY_SECONDS_MAX,
            0.5,
        )
