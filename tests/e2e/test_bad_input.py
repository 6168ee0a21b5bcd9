# SPDX-License-Identifier: Apache-2.0
"""What is no good request: the verbs and the REST of the running extender, over HTTP.

Every bad one is followed by a good one on the same connection, which must be answered as ever. What
each part makes of bad bytes is tested in its own room; here it is the whole program.
"""

import json

import pytest

from harness import door as doors
from harness import objects, waiting
from scene import lvm

GIB = 1 << 30
VERB_BODY_BYTES_MAX = 128 << 20  # --body-max-mib
REST_BODY_BYTES_MAX = 1 << 20  # HttpServer::kBodyBytesDefaultMax
NODES_MAX = 200_000  # kNodesPerRequestMax
# What a loop of bad requests may leave behind in the allocator.
GROWTH_BYTES_MAX = 24 << 20
# Connections of ours to API server and agents that come and go meanwhile; a leak is hundreds.
OTHER_FILES_MAX = 10
NOBODY = 'nobody'  # A scheduler that does not run: such pods are asked about by the test alone.


@pytest.fixture
def door(cluster):
    with doors.Door(cluster.extender_address) as one:
        yield one


def assert_memory_is_given_back(door, before):
    """Soon: what a request took may still be held when its answer comes."""
    waiting.until(
        lambda: door.metric('process_resident_memory_bytes') - before < GROWTH_BYTES_MAX,
        f'resident memory is back near {before}',
        5,
    )


class Asker:
    """A pod that waits with a claim of 10 GiB, nodes with and without room, and good questions."""

    def __init__(self, scene):
        self.node, self.wide, self.full = scene.add_nodes(lvm(12), lvm(100), lvm(8))
        scene.claim('data')
        self.pod = scene.pod('data', 'data', schedulerName=NOBODY)
        self.names = [self.full, self.node, self.wide]

    def filter(self, door):
        return door.send('POST', '/scheduler/filter', {'Pod': self.pod, 'NodeNames': self.names})

    def answers_well(self, door):
        """Whether all three verbs answer what is right."""
        victims = {name: {'Pods': [{'UID': 'u1'}], 'NumPDBViolations': 1} for name in self.names}
        body = {'Pod': self.pod, 'NodeNames': self.names}
        scores = door.send('POST', '/scheduler/prioritize', body)
        kept = door.send(
            'POST', '/scheduler/preempt', {'Pod': self.pod, 'NodeNameToMetaVictims': victims}
        )
        return (
            self.filter(door).json == self.filtered
            and (scores.status, scores.json) == (200, [{'Host': self.node, 'Score': 10}])
            and kept.json == {'NodeNameToMetaVictims': {n: victims[n] for n in self.names[1:]}}
        )

    @property
    def filtered(self):
        return {
            'Nodes': None,
            'NodeNames': [self.node, self.wide],
            'FailedNodes': {},
            'FailedAndUnresolvableNodes': {self.full: 'insufficient free PMEM'},
            'Error': '',
        }


@pytest.fixture
def asker(scene):
    return Asker(scene)


def wrong_answers(door, asker, path, rows):
    """{row: what came} of all rows whose answer is not the expected one, or that broke the next."""
    wrong = {}
    for name, (body, status, detail) in rows.items():
        answer = door.send('POST', path, body)
        got = answer.problem
        if answer.status != status or got is None or detail not in got:
            wrong[name] = (answer.status, answer.text[:200])
        elif not asker.answers_well(door):
            wrong[name] = 'the next good request was not answered well'
    return wrong


def deep(levels):
    return '[' * levels + ']' * levels


NOT_JSON = {
    'empty': ('', 400, 'ExtenderArgs'),
    'blank': (' \r\n ', 400, 'ExtenderArgs'),
    'text': ('hello', 400, 'ExtenderArgs'),
    'binary': (bytes(range(256)) * 8, 400, 'ExtenderArgs'),
    'null': ('null', 400, 'ExtenderArgs'),
    'array': ('[]', 400, 'wanted an object'),
    'cut in the pod': ('{"Pod":{"metadata":{"name":"p', 400, 'malformed JSON'),
    'two values': ('{"Pod":{},"NodeNames":[]}{}', 400, 'ExtenderArgs'),
    'not UTF-8': (b'{"Pod":{},"NodeNames":["\xff"]}', 400, 'malformed JSON'),
    'deep': (deep(1_000_000), 400, ''),
    'never closed': ('[' * 1_000_000, 400, ''),
}
BAD_ARGS = {
    **NOT_JSON,
    'cut in a name': ('{"Pod":{},"NodeNames":["n', 400, 'malformed JSON'),
    'no pod': ('{"NodeNames":["n1"]}', 400, 'Pod: wanted a pod'),
    'null pod': ('{"Pod":null,"NodeNames":["n1"]}', 400, 'Pod: wanted a pod'),
    'pod is a text': ('{"Pod":"p","NodeNames":["n1"]}', 400, 'Pod: wanted an object'),
    'no nodes': ('{"Pod":{}}', 400, 'wanted Nodes or NodeNames'),
    'names are an object': (
        '{"Pod":{"spec":{"volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"c"}}]}},'
        '"NodeNames":{}}',
        400,
        'NodeNames',
    ),
    'deep pod': ('{"Pod":{"x":' + deep(200) + '},"NodeNames":["n1"]}', 400, 'kPodDepthMax = 128'),
    'volumes are a number': ('{"Pod":{"spec":{"volumes":7}},"NodeNames":["n1"]}', 400, 'volumes'),
}
BAD_PREEMPTIONS = {
    **{name: (body, status, '') for name, (body, status, _) in NOT_JSON.items()},
    'no pod': ('{"NodeNameToMetaVictims":{}}', 400, 'wanted a pod'),
    'victims are an array': ('{"Pod":{},"NodeNameToMetaVictims":[]}', 400, 'wanted an object'),
    'pods are a text': ('{"Pod":{},"NodeNameToMetaVictims":{"n1":{"Pods":"x"}}}', 400, 'Pods'),
    'violations are a text': (
        '{"Pod":{},"NodeNameToMetaVictims":{"n1":{"Pods":[],"NumPDBViolations":"x"}}}',
        400,
        'NumPDBViolations',
    ),
}


@pytest.mark.parametrize('verb', ['filter', 'prioritize'])
def test_what_is_no_extender_args_is_a_problem_and_the_next_one_works(door, asker, verb):
    assert wrong_answers(door, asker, f'/scheduler/{verb}', BAD_ARGS) == {}


def test_what_is_no_preemption_is_a_problem_and_the_next_one_works(door, asker):
    assert wrong_answers(door, asker, '/scheduler/preempt', BAD_PREEMPTIONS) == {}


def test_more_nodes_than_the_limit_are_refused(door, asker):
    body = {'Pod': asker.pod, 'NodeNames': ['n'] * (NODES_MAX + 1)}
    answer = door.send('POST', '/scheduler/filter', body)
    assert answer.status == 400
    assert f'kNodesPerRequestMax = {NODES_MAX}' in answer.problem
    assert asker.answers_well(door)


def test_a_body_beyond_the_limit_is_413_and_never_kept(cluster, asker):
    """The rest of it is read and thrown away, so the connection goes on."""
    with doors.Door(cluster.extender_address) as door:
        before = door.metric('process_resident_memory_bytes')
        answer = door.send_announced('/scheduler/filter', VERB_BODY_BYTES_MAX + 1, b'[' * (1 << 20))
        assert (answer.status, answer.problem) == (413, f'the limit is {VERB_BODY_BYTES_MAX} bytes')
        assert_memory_is_given_back(door, before)
        assert asker.answers_well(door)


def test_rubbish_of_64_mib_is_refused_and_given_back(door, asker):
    bodies = [b'[' * (64 << 20), b'{"Pod":{},"NodeNames":["' + b'n' * (64 << 20)]
    for body in bodies:
        door.send('POST', '/scheduler/filter', body)
    before = door.metric('process_resident_memory_bytes')
    for body in bodies * 2:
        assert door.send('POST', '/scheduler/filter', body).status == 400
    assert_memory_is_given_back(door, before)
    assert asker.answers_well(door)


def test_a_thousand_bad_requests_leave_nothing_behind(door, asker):
    rows = [
        (path, body)
        for path, table in (
            ('/scheduler/filter', BAD_ARGS),
            ('/scheduler/prioritize', BAD_ARGS),
            ('/scheduler/preempt', BAD_PREEMPTIONS),
        )
        for name, (body, _, _) in table.items()
        if len(body) < 1 << 16
    ]

    def send_all(times):
        for _ in range(times):
            for path, body in rows:
                door.send('POST', path, body)

    send_all(3)
    before = door.metric('process_resident_memory_bytes')
    fds = door.metric('process_open_fds')
    send_all(1000 // len(rows))
    assert_memory_is_given_back(door, before)
    waiting.until(lambda: door.metric('process_open_fds') <= fds + OTHER_FILES_MAX, 'no file stays open', 5)
    assert asker.answers_well(door)


@pytest.mark.parametrize(
    'method,path,status',
    [
        ('GET', '/scheduler/filter', 405),
        ('PUT', '/scheduler/prioritize', 405),
        ('POST', '/scheduler/bind', 404),
        ('POST', '/scheduler/filter/', 404),
        ('POST', '/scheduler', 404),
        ('POST', '//scheduler/filter', 404),
    ],
)
def test_wrong_method_or_path_is_a_problem(door, asker, method, path, status):
    answer = door.send(method, path, '{}')
    assert answer.status == status
    assert answer.problem is not None
    assert answer.headers['Allow'] == ('POST' if status == 405 else None)
    assert asker.answers_well(door)


@pytest.mark.parametrize('keys', [('Pod', 'NodeNames'), ('pod', 'nodenames'), ('pod', 'nodeNames')])
def test_keys_are_read_in_any_letter_case(door, asker, keys):
    answer = door.send(
        'POST', '/scheduler/filter', {keys[0]: asker.pod, keys[1]: asker.names, 'Nodes': None}
    )
    assert answer.json == asker.filtered


def test_unknown_nodes_are_refused_and_known_ones_judged(door, asker):
    names = ['nowhere', asker.node, 'x' * 253, 'Ünïcode', asker.node]
    body = {'Pod': asker.pod, 'NodeNames': names}
    answer = door.send('POST', '/scheduler/filter', body).json
    assert answer['NodeNames'] == [asker.node] * 2
    refused = {name: 'no PMEM agent on the node' for name in names if name != asker.node}
    assert answer['FailedAndUnresolvableNodes'] == refused
    assert asker.answers_well(door)


def test_whole_nodes_are_echoed_byte_for_byte(door, asker):
    """What we do not read may be anything, and comes back as it was sent."""
    strange = (
        '{ "metadata" : {"name":"%s" , "labels":{"é":"\\u00e9\\n"}},\t"future":[1e5, -0.0,{}],'
        '"status":{"images":[ ]} }'
    )
    passing, failing = (strange % name for name in (asker.node, asker.full))
    head = '"kind":"NodeList","apiVersion":"v1","metadata":{"resourceVersion":"7"}'
    text = (
        f'{{"Pod":{json.dumps(asker.pod)},"Nodes":{{{head},"items":[{failing} , {passing}]}},'
        '"NodeNames":null}'
    )
    answer = door.send('POST', '/scheduler/filter', text)
    assert f'"items":[{passing}]' in answer.text
    assert answer.json['NodeNames'] is None
    assert answer.json['Nodes']['metadata'] == {'resourceVersion': '7'}
    assert answer.json['FailedAndUnresolvableNodes'] == asker.filtered['FailedAndUnresolvableNodes']
    assert asker.answers_well(door)


def live_reads(scene, resource):
    """GETs of single objects that the API server has answered. Nothing else of ours sends any."""
    text = scene.api.request('GET', '/metrics')
    return sum(
        float(line.rsplit(' ', 1)[1])
        for line in text.splitlines()
        if line.startswith('apiserver_request_total{')
        and f'resource="{resource}"' in line
        and 'verb="GET"' in line
    )


def pod_with(claim_name, kube_namespace, uid='3f2c1d10-0000-4000-8000-000000000001'):
    pod = objects.pod('ghost', [claim_name], schedulerName=NOBODY)
    pod['metadata'].update({'namespace': kube_namespace, 'uid': uid})
    return pod


def test_a_claim_that_is_not_there_is_read_once_and_answered_with_an_error(scene, door, asker):
    body = {'Pod': pod_with('nothing', scene.kube_namespace), 'NodeNames': asker.names}
    before = live_reads(scene, 'persistentvolumeclaims')
    answer = door.send('POST', '/scheduler/filter', body)
    assert live_reads(scene, 'persistentvolumeclaims') - before == 1
    assert answer.status == 200
    assert answer.json['Error'] == f'claim {scene.kube_namespace}/nothing does not exist'
    assert not answer.json['NodeNames']
    assert door.send('POST', '/scheduler/prioritize', body).status == 503
    assert asker.answers_well(door)


def test_a_class_that_is_not_there_is_read_once_and_answered_with_an_error(scene, door, asker):
    scene.claim('odd', class_name='no-such-class')
    body = {'Pod': pod_with('odd', scene.kube_namespace), 'NodeNames': asker.names}
    before = live_reads(scene, 'storageclasses')
    answer = door.send('POST', '/scheduler/filter', body)
    assert live_reads(scene, 'storageclasses') - before == 1
    assert answer.json['Error'] == 'StorageClass no-such-class does not exist'
    assert asker.answers_well(door)


def test_a_pod_that_says_nothing_of_itself_is_not_our_business(door, asker):
    answer = door.send('POST', '/scheduler/filter', {'Pod': {}, 'NodeNames': asker.names})
    assert (answer.status, answer.json['NodeNames']) == (200, asker.names)
    assert asker.answers_well(door)


BAD_REST = {
    '/v1/nodes?limit=0': 400,
    '/v1/nodes?limit=501': 400,
    '/v1/nodes?limit=-1': 400,
    '/v1/nodes?limit=ten': 400,
    '/v1/nodes?limit=99999999999999999999': 400,
    '/v1/nodes?colour=red': 400,
    '/v1/nodes?continue=' + 'x' * 513: 400,
    '/v1/nodes?limit=%zz': 400,
    '/v1/nodes/nowhere': 404,
    '/v1/nodes/' + 'x' * 3000: 404,
    '/v1/nodes/%00': 400,
    '/v1/claims?node=x&pod=y': 400,
    '/v1/explain/pods/onlyone': 404,
    '/v1/explain/pods/a/b/c': 404,
    '/v1/explain/pods//': 404,
    '/v2/nodes': 404,
    '/': 404,
}


def test_bad_rest_requests_are_problems(door, asker):
    wrong = {}
    for path, status in BAD_REST.items():
        answer = door.send('GET', path)
        if answer.status != status or answer.problem is None:
            wrong[path[:60]] = (answer.status, answer.text[:200])
    assert wrong == {}
    answer = door.send('DELETE', f'/v1/nodes/{asker.node}')
    assert (answer.status, answer.headers['Allow']) == (405, 'GET')
    assert door.send('GET', f'/v1/nodes/{asker.node}').json['node'] == asker.node
    assert asker.answers_well(door)


GOOD_SIMULATION = {'claims': [{'kind': 'lvm', 'size': '10Gi'}], 'replicas': 1}
ONE = '{"kind":"lvm","size":"1Gi"}'
BAD_SIMULATIONS = {
    'empty': ('', 400),
    'text': ('lots of PMEM', 400),
    'array': ('[]', 400),
    'no claims': ('{}', 400),
    'no claim': ('{"claims":[]}', 400),
    'claims are a text': ('{"claims":"lvm"}', 400),
    'claim is null': ('{"claims":[null]}', 400),
    'unknown member': ('{"claims":[%s],"nodes":3}' % ONE, 400),
    'unknown kind': ('{"claims":[{"kind":"tape","size":"1Gi"}]}', 400),
    'kind and class': (
        '{"claims":[{"kind":"lvm","storage_class":"pmem-lvm","size":"1Gi"}]}',
        400,
    ),
    'neither kind nor class': ('{"claims":[{"size":"1Gi"}]}', 400),
    'class of nobody': ('{"claims":[{"storage_class":"no-such-class","size":"1Gi"}]}', 400),
    'no size': ('{"claims":[{"kind":"lvm"}]}', 400),
    'size and bytes': ('{"claims":[{"kind":"lvm","size":"1Gi","bytes":1}]}', 400),
    'zero size': ('{"claims":[{"kind":"lvm","size":"0"}]}', 400),
    'negative size': ('{"claims":[{"kind":"lvm","size":"-1Gi"}]}', 400),
    'negative bytes': ('{"claims":[{"kind":"lvm","bytes":-1}]}', 400),
    'fraction of a byte': ('{"claims":[{"kind":"lvm","bytes":1.5}]}', 400),
    'size is a number': ('{"claims":[{"kind":"lvm","size":10}]}', 400),
    'size is nonsense': ('{"claims":[{"kind":"lvm","size":"big"}]}', 400),
    'bytes beyond 64 bits': ('{"claims":[{"kind":"lvm","bytes":99999999999999999999}]}', 400),
    'bytes beyond the limit': ('{"claims":[{"kind":"lvm","size":"7Ei"}]}', 400),
    'no replicas': ('{"claims":[%s],"replicas":0}' % ONE, 400),
    'too many replicas': ('{"claims":[%s],"replicas":10001}' % ONE, 400),
    'replicas are a text': ('{"claims":[%s],"replicas":"3"}' % ONE, 400),
    'unknown strategy': ('{"claims":[%s],"strategy":"best"}' % ONE, 400),
    'too many claims': ('{"claims":[%s]}' % ','.join([ONE] * 65), 400),
    'deep': ('{"claims":%s}' % deep(100_000), 400),
    'too long': (' ' * (REST_BODY_BYTES_MAX + 1), 413),
}


def test_nonsense_to_simulate_is_a_problem_and_sense_is_simulated(door, asker):
    wrong = {}
    for name, (body, status) in BAD_SIMULATIONS.items():
        answer = door.send('POST', '/v1/simulate', body)
        if answer.status != status or not answer.problem:
            wrong[name] = (answer.status, answer.text[:200])
        elif not door.send('POST', '/v1/simulate', GOOD_SIMULATION).json['fits']:
            wrong[name] = 'the next good simulation failed'
    assert wrong == {}
    # As much as may be asked for, which no sum may overflow.
    huge = {'claims': [{'kind': 'lvm', 'size': '1Ei'}] * 64, 'replicas': 10_000}
    answer = door.send('POST', '/v1/simulate', huge)
    assert (answer.status, answer.json['placed'], answer.json['nodes']) == (200, 0, [])
    assert asker.answers_well(door)
