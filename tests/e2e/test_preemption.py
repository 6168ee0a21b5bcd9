# SPDX-License-Identifier: Apache-2.0
"""A pod of higher priority: kube-scheduler evicts nobody where that would not make room in persistent memory."""

import contextlib

from capacity import wait_sizes
from harness import door, objects, waiting
from scene import GI, lvm

A_NODE_FULL = {'requests': {'cpu': '60', 'memory': '16Mi'}}  # Of the 64 processors that each has.


@contextlib.contextmanager
def priority_classes(scene, **values):
    """{word: the class's name}."""
    names = {word: f'{scene.kube_namespace}-{word}' for word in values}
    for word, value in values.items():
        scene.api.create({
            'apiVersion': 'scheduling.k8s.io/v1', 'kind': 'PriorityClass', 'metadata': {'name': names[word]},
            'value': value,
        })  # fmt: skip
    try:
        yield names
    finally:
        for name in names.values():
            scene.api.delete('priorityclasses', name)


def pod_that_fills_a_node(scene, name, *claims, **spec):
    pod = objects.pod(name, claims, **spec)
    pod['spec']['containers'][0]['resources'] = A_NODE_FULL
    scene.create(pod)


def sizes(gib):
    return {'pmem-lvm': (gib * GI,) * 2, 'pmem-direct': (0, 0)}


def test_nobody_is_evicted_where_the_pod_would_have_no_room_all_the_same(scene):
    """Each claim alone fits on both nodes, so the scheduler's own filter would evict on either; by its own rules it takes
    the node whose victim matters least."""
    small, roomy = scene.add_nodes(lvm(5), lvm(30))
    wait_sizes(scene, small, sizes(5))
    wait_sizes(scene, roomy, sizes(30))
    with priority_classes(scene, least=1, less=2, most=1000) as names:
        pod_that_fills_a_node(scene, 'least', nodeName=small, priorityClassName=names['least'])
        pod_that_fills_a_node(scene, 'less', nodeName=roomy, priorityClassName=names['less'])
        for claim in ('one', 'two'):
            scene.claim(claim, '4Gi')
        pod_that_fills_a_node(scene, 'urgent', 'one', 'two', priorityClassName=names['most'])
        assert scene.wait_scheduled('urgent') == roomy
        left = {pod['metadata']['name'] for pod in scene.api.list('pods', scene.kube_namespace)}
        assert left == {'least', 'urgent'}
    assert scene.failed_creations() == []


def test_a_full_node_keeps_its_pods_and_the_urgent_one_waits(scene):
    small = scene.add_node(lvm(5))
    wait_sizes(scene, small, sizes(5))
    with priority_classes(scene, least=1, most=1000) as names:
        pod_that_fills_a_node(scene, 'least', nodeName=small, priorityClassName=names['least'])
        for claim in ('one', 'two'):
            scene.claim(claim, '4Gi')
        asked = verbs_asked(scene, 'preempt')
        pod_that_fills_a_node(scene, 'urgent', 'one', 'two', priorityClassName=names['most'])
        waiting.until(lambda: verbs_asked(scene, 'preempt') > asked, 'the extender is asked whether eviction helps')
        scene.wait_refused('urgent')
        assert scene.node_of('least') == small
        assert scene.api.get('pods', 'urgent', scene.kube_namespace)['status'].get('nominatedNodeName') is None


def verbs_asked(scene, verb):
    with door.Door(scene.cluster.extender_address) as one:
        return one.metric('pmem_extender_verb_duration_seconds_count', verb=verb)
