# SPDX-License-Identifier: Apache-2.0
"""Bursts that fill a cluster exactly, on the real scheduler: what is placed, what goes wrong, how long.

Each burst runs with us, without us (a scheduler that knows of no extender, the driver's capacities
not published), and without us on nodes with room for all of it each, ten times their own at least,
which says how long the same pods take when nothing can go wrong: kube-scheduler sends identical pods
to one node. Half-pinned: a pod without a node of whose claims some are pinned.
"""

import collections
import contextlib
import dataclasses
import http.client
import http.server
import json
import os
import socketserver
import threading
import time
import urllib.error
import urllib.request

from harness import devices, kube, objects, waiting
from scene import GI, both, direct, lvm

WITHOUT = 'without-extender'  # schedulerName
SECOND = 'second-with-extender'
SETTLE_SECONDS_MAX = 15.0  # For volumes under way; where not all pods were placed there may be ever more.


def fragmented(gib_free, pieces):
    """A region with so many free GiB in pieces of equal size, each beside a volume of 1 GiB."""
    size = gib_free // pieces
    layout = direct(pieces * (size + 1))
    layout['regions'][0]['namespaces'] = [
        {
            'name': f'made-by-hand-{i}',
            'offset_bytes': (i * (size + 1) + size) * GI,
            'size_bytes': GI,
            'mode': 'fsdax',
        }
        for i in range(pieces)
    ]
    return layout


@dataclasses.dataclass(frozen=True)
class Burst:
    name: str
    nodes: tuple  # Device layouts.
    pods: tuple  # Of each: ((size, class name), …).
    schedulers: tuple = ('default-scheduler',)  # Pods go to them in turn.
    trouble: str = ''  # Which of Trouble's.
    is_everybodys: bool = False  # The trouble is there without us, too: the comparisons have it.
    seconds: float = 120.0

    @property
    def roomy_nodes(self):
        asked = sum(objects.quantity_bytes(size) for pod in self.pods for size, _ in pod)
        rooms = [[max(10 * _total(n, k), 2 * asked) // GI for k in ('lvm', 'direct')] for n in self.nodes]
        return [both(*room) for room in rooms]


def _total(layout, kind):
    key = {'lvm': 'volume_groups', 'direct': 'regions'}[kind]
    return max(GI, sum(part['size_bytes'] for part in layout[key]))


TEN = ('10Gi', 'pmem-lvm')
FULL = Burst('100 pods on 20 nodes x 5', (lvm(50),) * 20, ((TEN,),) * 100)
TWO_SCHEDULERS = dataclasses.replace(
    FULL, name='the same from two schedulers', schedulers=('default-scheduler', SECOND)
)
JOINT = Burst(
    '40 pods of 10 + 15 Gi, 20 nodes x 50',
    (lvm(50),) * 20,
    ((TEN, ('15Gi', 'pmem-lvm')),) * 40,
)
FRAGMENTED = Burst(
    '60 direct 9 Gi, 20 regions of 3 pieces',
    (fragmented(30, 3),) * 20,
    ((('9Gi', 'pmem-direct'),),) * 60,
)
LONE_PAIR = Burst(
    'one pair, 1 of 20 nodes can hold it', (lvm(15),) * 19 + (lvm(20),), ((TEN, TEN),), seconds=60.0
)
PAIRS = Burst('20 pairs of 10 Gi, 20 nodes x 25', (lvm(25),) * 20, ((TEN, TEN),) * 20)
LATE_AGENTS = dataclasses.replace(FULL, name='agents answer 5 s late', trouble='late_agents')
KILLED = dataclasses.replace(FULL, name='extender killed 3 times', trouble='kill_extender')
API_RESTART = dataclasses.replace(
    FULL, name='API server restarted', trouble='restart_api_server', is_everybodys=True
)
ALL = (
    FULL,
    TWO_SCHEDULERS,
    JOINT,
    FRAGMENTED,
    LONE_PAIR,
    PAIRS,
    LATE_AGENTS,
    KILLED,
    API_RESTART,
)


@dataclasses.dataclass(frozen=True)
class Row:
    placed: int
    pods: int
    over_committed: int
    failed_creations: int
    half_pinned: int
    seconds: float
    is_settled: bool  # No volume is under way any more, which might still fail.

    @property
    def is_clean(self):
        wrong = (self.over_committed, self.failed_creations, self.half_pinned)
        return self.is_settled and self.placed == self.pods and wrong == (0, 0, 0)

    def cells(self):
        return [
            f'{self.placed}/{self.pods}',
            self.over_committed,
            self.failed_creations,
            self.half_pinned,
            f'{self.seconds:.1f}',
        ]


class Late(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Stands between the extender and an agent; answers come `delay` seconds late."""

    daemon_threads = True
    request_queue_size = 16

    def __init__(self, agent_url, delay):
        super().__init__(('127.0.0.1', 0), _LateHandler)
        self.agent_url, self.delay = agent_url, delay
        self.is_over = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.2,), daemon=True).start()

    def shutdown(self):
        self.is_over.set()
        super().shutdown()

    def handle_error(self, request, client_address):
        """The extender has left."""


class _LateHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        request = urllib.request.Request(self.server.agent_url + self.path)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, body = error.code, b''
        self.server.is_over.wait(self.server.delay)
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Trouble:
    """What happens to the cluster while a burst is placed.

    step() is called now and then by the thread that places it: a program that another thread starts
    ends with that thread.
    """

    def __init__(self, scene, pods, name):
        self.scene, self.cluster = scene, scene.cluster
        self.stack = contextlib.ExitStack()
        self.due = []  # (pods placed by then, what happens), in order.
        if name:
            getattr(self, f'_{name}')(pods)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    def step(self):
        while self.due and placed_pods(self.scene) >= self.due[0][0]:
            self.due.pop(0)[1]()

    def _kill_extender(self, pods):
        def kill():
            self.cluster.extender.kill()
            self.cluster.start_extender()

        self.due = [(pods * part // 4, kill) for part in (1, 2, 3)]

    def _restart_api_server(self, pods):
        self.due = [(pods // 3, self.cluster.control_plane.restart_api_server)]

    def _late_agents(self, pods):
        path = self.cluster.directory / 'agents.json'
        usual = path.read_text()
        proxies = {name: Late(url, 5.0) for name, url in json.loads(usual).items()}

        def write(text):
            new = path.with_suffix('.new')
            new.write_text(text)
            os.replace(new, path)

        def restore():
            write(usual)
            for proxy in proxies.values():
                proxy.shutdown()

        self.stack.callback(restore)
        write(json.dumps({n: f'http://127.0.0.1:{p.server_port}' for n, p in proxies.items()}))


def surely(create, *arguments, **options):
    """Creates an object though the API server may be away for a while."""

    def done():
        try:
            create(*arguments, **options)
        except kube.ApiError as error:
            if error.status < 500 and error.status not in (401, 403, 409):
                raise
            return error.status == 409  # It is there from the try before.
        except (OSError, http.client.HTTPException):
            return False
        return True

    waiting.until(done, f'{arguments[0]} is created', 60)


def placed_pods(scene):
    try:
        pods = scene.api.list('pods', scene.kube_namespace)
    except (kube.ApiError, OSError, http.client.HTTPException):  # The API server is away.
        return 0
    return sum(1 for pod in pods if pod['spec'].get('nodeName'))


def run(scene, burst, roomy=False, scheduler=None):
    """Places the burst's pods on fresh nodes and says what came of it. `scheduler`: instead of its own."""
    nodes = scene.add_nodes(*(burst.roomy_nodes if roomy else burst.nodes))
    names = (scheduler,) if scheduler else burst.schedulers
    trouble_name = burst.trouble if burst.is_everybodys or not scheduler else ''
    with Trouble(scene, len(burst.pods), trouble_name) as trouble:
        began = time.monotonic()
        for i, claims in enumerate(burst.pods):
            of_pod = [f'p{i:03}-{j}' for j in range(len(claims))]
            for name, (size, class_name) in zip(of_pod, claims):
                surely(scene.claim, name, size, class_name)
            surely(scene.pod, f'p{i:03}', *of_pod, schedulerName=names[i % len(names)])
            trouble.step()

        def all_are_placed():
            trouble.step()
            return placed_pods(scene) == len(burst.pods)

        with contextlib.suppress(waiting.Timeout):
            waiting.until(all_are_placed, 'all are placed', burst.seconds, 0.2)
        seconds = time.monotonic() - began
    is_idle = scene.cluster.fake_provisioner.is_idle  # What may still go wrong does so while volumes are made.
    with contextlib.suppress(waiting.Timeout):
        waiting.until(is_idle, 'no volume is under way', SETTLE_SECONDS_MAX)
    return judge(scene, burst, nodes, seconds, roomy, is_idle())


HEADINGS = ('placed', 'over-committed', 'failed creations', 'half-pinned', 'seconds')


def start_schedulers(cluster):
    """The second one with us, and the one without."""
    plane = cluster.control_plane
    plane.start_scheduler(cluster.extender_url, SECOND, profile=SECOND)
    plane.start_scheduler(None, WITHOUT, profile=WITHOUT)


@contextlib.contextmanager
def capacities_unknown(cluster):
    """The scheduler does not look at the driver's capacities, which are of our making."""
    published = cluster.api.get('csidrivers', objects.DRIVER)['spec'].get('storageCapacity', False)
    cluster.api.merge('csidrivers', objects.DRIVER, {'spec': {'storageCapacity': False}})
    try:
        yield
    finally:
        cluster.api.merge('csidrivers', objects.DRIVER, {'spec': {'storageCapacity': published}})


def judge(scene, burst, nodes, seconds, roomy, is_settled):
    claims = {
        c['metadata']['name']: c
        for c in scene.api.list('persistentvolumeclaims', scene.kube_namespace)
    }
    pods = scene.api.list('pods', scene.kube_namespace)
    layouts = dict(zip(nodes, burst.roomy_nodes if roomy else burst.nodes))
    return Row(
        placed=sum(1 for pod in pods if pod['spec'].get('nodeName')),
        pods=len(burst.pods),
        over_committed=over_committed(claims.values(), layouts) + len(scene.cluster.audit()),
        failed_creations=len(scene.failed_creations()),
        half_pinned=len([pod for pod in pods if is_half_pinned(pod, claims)]),
        seconds=seconds,
        is_settled=is_settled,
    )


def is_half_pinned(pod, claims):
    """It has no node; some of its claims have one, and some have not."""
    of_pod = [claims[v['persistentVolumeClaim']['claimName']] for v in pod['spec']['volumes']]
    return not pod['spec'].get('nodeName') and {bool(pin_of(claim)) for claim in of_pod} == {True, False}


def pin_of(claim):
    return claim['metadata'].get('annotations', {}).get(objects.SELECTED_NODE)


def over_committed(claims, layouts):
    """Claims sent to a node beyond its room: those for which no place is left in its empty devices."""
    sent = collections.defaultdict(list)
    for claim in claims:
        if pin_of(claim) in layouts:
            sent[pin_of(claim)].append(claim)
    return sum(_without_room(layouts[node], of_node) for node, of_node in sent.items())


def _without_room(layout, claims):
    content, left = json.loads(json.dumps(layout)), 0
    for claim in sorted(claims, key=_size, reverse=True):
        kind = claim['spec']['storageClassName'].removeprefix('pmem-')
        try:
            devices.place(content, kind, claim['metadata']['uid'], _size(claim))
        except devices.DoesNotFit:
            left += 1
    return left


def _size(claim):
    return objects.quantity_bytes(claim['spec']['resources']['requests']['storage'])
