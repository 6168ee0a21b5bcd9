# SPDX-License-Identifier: Apache-2.0
"""Agents that are broken or lie, and the running extender: their node takes nothing, the others go on.

A scripted server stands in for the agent of one node. Where nothing good was ever heard, the node's
PMEM is unknown; where something was, it grows stale. Neither is zero, and neither stops the rest.
"""

import http.server
import json
import os
import socketserver
import threading

import pytest

from harness import door as doors
from harness import objects, waiting
from scene import lvm

GIB = 1 << 30
REPORT_BYTES_MAX = 8 << 20  # kReportBytesMax
# The allocator may keep an answer's buffer, which grows by doubling, for each of 8 I/O threads.
GROWTH_BYTES_MAX = 8 * 2 * REPORT_BYTES_MAX
STALE_SECONDS = 15
NODE = 'node-odd'


def pool(free=100 * GIB, **changes):
    return {
        'id': 'lvm/pmemvgregion0',
        'kind': 'lvm',
        'total_bytes': 100 * GIB,
        'allocatable_bytes': 100 * GIB,
        'available_bytes': free,
        'max_volume_bytes': free,
        'alignment_bytes': 4 << 20,
        'state': 'ok',
        'volumes': [],
        **changes,
    }


def report(generation=1, pools=None, **changes):
    return {
        'schema': 1,
        'node': NODE,
        'boot_id': 'boot-a',
        'generation': generation,
        'observed_at': '2026-01-02T03:04:05.678Z',
        'pools': [pool()] if pools is None else pools,
        'errors': [],
        **changes,
    }


def says_report(**changes):
    return lambda to: to.answer(report(**changes))


class OddAgent(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Answers every request with what `say` does; `asked` counts them."""

    daemon_threads = True

    def __init__(self, say):
        super().__init__(('127.0.0.1', 0), Handler)
        self.say = say
        self.asked = 0
        self.over = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return f'http://127.0.0.1:{self.server_port}'

    def handle_error(self, request, client_address):
        """The extender leaves in the middle: that is what these tests are about."""

    def end(self):
        self.over.set()
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        self.server.asked += 1
        self.server.say(self)

    def log_message(self, *_):
        pass

    def answer(self, body, status=200):
        body = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def drip(self):
        """A body of which a byte comes every now and then, and never the last one."""
        self.send_response(200)
        self.send_header('Content-Length', '1000000')
        self.end_headers()
        while not self.server.over.wait(0.2):
            self.wfile.write(b' ')
            self.wfile.flush()

    def pour(self):
        """A body without an end, as fast as it is taken."""
        self.send_response(200)
        self.send_header('Transfer-Encoding', 'chunked')
        self.end_headers()
        block = b'10000\r\n' + b' ' * 0x10000 + b'\r\n'
        while not self.server.over.is_set():
            self.wfile.write(block)

    def hold(self):
        """Nothing."""
        self.server.over.wait()


def list_agents(cluster, odd_urls):
    """The extender's list of agents: the usual ones and these."""
    usual = {name: agent.url for name, agent in cluster.agents.items()}
    path = cluster.directory / 'agents.json'
    new = path.with_suffix('.new')
    new.write_text(json.dumps({**usual, **odd_urls}))
    os.replace(new, path)


@pytest.fixture
def odd(cluster, scene):
    """Makes nodes of the cluster, {name: what its agent says}; returns the agents by node."""
    agents = {}

    def begin(says):
        for name, say in says.items():
            agents[name] = OddAgent(say)
            scene.api.create(objects.node(name, {objects.TYPE_LABEL: 'lvm'}))
        list_agents(cluster, {name: agent.url for name, agent in agents.items()})
        return agents

    yield begin
    list_agents(cluster, {})
    for name, agent in agents.items():
        agent.end()
        scene.api.delete('nodes', name)
    waiting.until(
        lambda: all(cluster.ask(f'/v1/nodes/{name}')[0] == 404 for name in agents),
        'the extender has forgotten the odd nodes',
    )


def seen(cluster, name=NODE):
    """What /v1/nodes says of the node."""
    status, node = cluster.ask(f'/v1/nodes/{name}')
    return node if status == 200 else {}


def wait_failure(cluster, text, name=NODE):
    return waiting.until(
        lambda: text in seen(cluster, name).get('failure', '') and seen(cluster, name),
        f'the failure of {name} says {text!r}',
    )


def nodes_in_state(cluster, state):
    with doors.Door(cluster.extender_address) as door:
        return door.metric('pmem_extender_nodes', state=state)


def assert_others_go_on(scene, reason):
    """A pod that fits by what good agents say is placed there; one that only NODE could hold is not.

    Takes the latter away again.
    """
    good = scene.add_node(lvm(12))
    scene.claim_and_pod('fits')
    assert scene.wait_scheduled('fits') == good
    assert scene.wait_bound('fits') == good
    scene.claim_and_pod('too-big', '50Gi')
    scene.wait_refused('too-big')
    explained = scene.wait_explained('too-big')
    rows = {n['node']: n['reason'] for n in explained['nodes'] if n['node'].startswith(NODE)}
    assert set(rows.values()) == {reason}
    scene.delete_pod('too-big')
    scene.delete_claim('too-big')


# What it says -> what /v1/nodes says of it.
NONSENSE = {
    'a web page': (lambda to: to.answer(b'<html>It works!</html>'), 'not JSON'),
    'nothing': (lambda to: to.answer(b''), 'not JSON'),
    'a report cut off': (lambda to: to.answer(json.dumps(report()).encode()[:-9]), 'not JSON'),
    'an empty object': (lambda to: to.answer({}), 'schema'),
    'a later schema': (says_report(schema=2), 'schema'),
    'deep': (lambda to: to.answer(b'[' * 100_000), 'deep'),
    'an error': (lambda to: to.answer(b'{}', 500), 'HTTP 500'),
    'a redirect': (lambda to: to.answer(b'', 302), 'HTTP 302'),
    'not modified, unasked': (lambda to: to.answer(b'', 304), 'HTTP 304'),
    'another node': (says_report(node='node-01'), 'answers for another node'),
    'no boot': (says_report(boot_id=''), 'boot_id'),
    'a huge generation': (says_report(generation=1 << 64), 'generation'),
    'a negative generation': (says_report(generation=-1), 'generation'),
    'huge bytes': (says_report(pools=[pool(1 << 63)]), 'available_bytes'),
    'more than a number': (
        lambda to: to.answer(json.dumps(report()).replace(str(100 * GIB), '1e400').encode()),
        'is too large',
    ),
    'fractions': (says_report(pools=[pool(1.5)]), 'available_bytes'),
    'negative bytes': (says_report(pools=[pool(-1)]), 'available_bytes'),
    'more free than there is': (
        says_report(pools=[pool(200 * GIB)]),
        'available_bytes above allocatable_bytes',
    ),
    'a pool twice': (says_report(pools=[pool(), pool()]), 'lvm/pmemvgregion0'),
    'too many pools': (
        says_report(pools=[pool(id=f'lvm/{i}') for i in range(257)]),
        '256',
    ),
    'too much': (
        lambda to: to.answer(b' ' * (REPORT_BYTES_MAX + 1)),
        f'longer than the limit of {REPORT_BYTES_MAX} bytes',
    ),
    'no end': (Handler.pour, f'longer than the limit of {REPORT_BYTES_MAX} bytes'),
}


def test_nonsense_of_every_kind_is_told_and_never_believed(cluster, scene, odd):
    """Every node's agent says another kind of it. At the end all talk sense and are believed."""
    names = {f'{NODE}-{i:02}': kind for i, kind in enumerate(NONSENSE)}
    agents = odd({name: NONSENSE[kind][0] for name, kind in names.items()})
    wrong = {}
    for name, kind in names.items():
        node = wait_failure(cluster, NONSENSE[kind][1], name)
        if node['freshness'] != 'no_report' or 'pools' in node or not node['failure']:
            wrong[kind] = node
    assert wrong == {}
    waiting.until(
        lambda: nodes_in_state(cluster, 'no_report') == len(names), 'the metric counts them'
    )
    assert_others_go_on(scene, 'no_report')
    for name, agent in agents.items():
        agent.say = says_report(node=name)
    for name in names:
        waiting.until(lambda: seen(cluster, name)['freshness'] == 'fresh', f'{name} is believed')
        assert 'failure' not in seen(cluster, name)


def test_nonsense_for_a_long_time_costs_no_memory(cluster, scene, odd):
    agent = odd({NODE: NONSENSE['too much'][0]})[NODE]

    def say_for_a_while(say):
        agent.say = say
        asked = agent.asked
        waiting.until(lambda: agent.asked >= asked + 2, 'it was asked twice more', 40)

    with doors.Door(cluster.extender_address) as door:
        wait_failure(cluster, 'longer than')
        say_for_a_while(Handler.pour)
        before = door.metric('process_resident_memory_bytes')
        # Every other agent's poller may come to keep a second connection meanwhile.
        fds = door.metric('process_open_fds') + len(cluster.agents)
        for say in (NONSENSE['deep'][0], Handler.pour, NONSENSE['too much'][0]):
            say_for_a_while(say)
        waiting.until(
            lambda: door.metric('process_open_fds') <= fds + 4, f'open files are back near {fds}'
        )
        waiting.until(
            lambda: door.metric('process_resident_memory_bytes') - before < GROWTH_BYTES_MAX,
            f'resident memory is back near {before}',
        )


def test_agents_that_are_too_slow_grow_stale_and_delay_nobody(cluster, scene, odd):
    """They have said once that there is much room. Nobody is sent there on such old news."""
    slow = {f'{NODE}-silent': Handler.hold, f'{NODE}-drips': Handler.drip}
    agents = odd({name: says_report(node=name) for name in slow})
    for name in slow:
        waiting.until(lambda: seen(cluster, name).get('freshness') == 'fresh', 'the first report')
        agents[name].say = slow[name]
    waiting.until(
        lambda: nodes_in_state(cluster, 'stale') == len(slow), 'both are stale', STALE_SECONDS
    )
    for name in slow:
        node = seen(cluster, name)
        assert node['freshness'] == 'stale'
        assert node['pools'][0]['available_bytes'] == 100 * GIB  # Stale is not zero.
    assert_others_go_on(scene, 'stale_report')
    for name, agent in agents.items():  # The poll is given up in the end: they may come back.
        agent.say = says_report(node=name, generation=2)
    for name in slow:
        waiting.until(lambda: seen(cluster, name)['freshness'] == 'fresh', f'{name} is back', 40)


def test_an_agent_that_goes_backwards_is_not_believed(cluster, scene, odd):
    """The newer of two reports wins whatever comes last; who repeats the older one is as silent."""
    agent = odd({NODE: says_report(generation=10, pools=[pool(8 * GIB)])})[NODE]
    waiting.until(lambda: seen(cluster).get('generation') == 10, 'the newer report is there')
    with doors.Door(cluster.extender_address) as door:
        before = door.metric('pmem_extender_reports_old_total')
        agent.say = says_report(generation=9)
        wait_failure(cluster, 'generation 9 came after 10')
        node = seen(cluster)
        assert (node['generation'], node['pools'][0]['available_bytes']) == (10, 8 * GIB)
        waiting.until(
            lambda: door.metric('pmem_extender_reports_old_total') > before, 'the metric counts it'
        )
    waiting.until(
        lambda: seen(cluster)['freshness'] == 'stale', f'{NODE} is stale', STALE_SECONDS
    )
    assert_others_go_on(scene, 'stale_report')
    agent.say = says_report(generation=1, boot_id='boot-b')
    waiting.until(lambda: seen(cluster)['freshness'] == 'fresh', 'a new boot is believed')
    assert seen(cluster)['pools'][0]['available_bytes'] == 100 * GIB
