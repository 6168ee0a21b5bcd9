# SPDX-License-Identifier: Apache-2.0
"""Claims whose node the scheduler does not choose: typed in by hand, Immediate, or a pod put on a node.

Their volumes are made by the real driver. Drivers that are slow or absent: test_slow_drivers.py.
"""

import pytest

from harness import objects
from pins import check_bad_pin, immediate, selected_node
from scene import GI, direct, lvm

REFUSED_SECONDS = 30


@pytest.fixture
def scene(real_scene):
    return real_scene


def test_pin_by_hand_is_honoured_and_counted(scene):
    """Both nodes could hold it; the other one would be the better fit."""
    pinned = scene.add_node(lvm(25))
    other = scene.add_node(lvm(10))
    scene.claim('data', pinned_to=pinned)
    scene.pod('data', 'data')
    assert scene.wait_scheduled('data') == pinned
    assert scene.wait_bound('data') == pinned
    scene.wait_known(pinned)
    scene.claim_and_pod('next', '20Gi')  # 15 GiB are left there: the pinned claim is counted once.
    scene.wait_refused('next')
    assert scene.free(other, 'lvm') == 10 << 30


BAD_PINS = {
    'a node that is not there': (lambda scene: 'node-nowhere', 'does not exist'),
    'a node without PMEM of that kind': (
        lambda scene: scene.add_node(direct(64)),
        'no PMEM pool of the requested kind',
    ),
    'a node without room': (lambda scene: scene.add_node(lvm(8)), 'insufficient free PMEM'),
}


@pytest.mark.parametrize('choose,text', BAD_PINS.values(), ids=BAD_PINS.keys())
def test_pin_that_cannot_work_is_told_on_the_claim_and_nothing_is_lost(scene, choose, text):
    """The driver refuses at once, so that the pin is gone before anybody can look at it twice."""
    good = scene.add_node(lvm(12))
    check_bad_pin(scene, choose(scene), text)
    scene.claim_and_pod('other')  # The room that the bad pin could not take is still there.
    assert scene.wait_scheduled('other') == good
    assert scene.get_claim('data')['status']['phase'] == 'Pending'


def test_immediate_claim_without_a_pod_gets_a_node_with_room(scene):
    scene.add_node(lvm(8))
    node = scene.add_node(lvm(12))
    scene.claim('data', class_name=scene.storage_class('now', {'pmemType': 'lvm'}, immediate=True))
    assert scene.wait_bound('data') == node
    assert selected_node(scene, 'data') == node
    assert scene.failed_creations() == []


def test_immediate_claim_whose_pin_was_typed_in_empty_gets_a_node(scene):
    """As `kubectl annotate pvc data volume.kubernetes.io/selected-node=` does, or a chart's value."""
    node = scene.add_node(lvm(12))
    class_name = scene.storage_class('now', {'pmemType': 'lvm'}, immediate=True)
    claim = objects.claim('data', class_name=class_name)
    claim['metadata']['annotations'] = {objects.SELECTED_NODE: ''}
    scene.create(claim)
    assert scene.wait_bound('data') == node


def test_immediate_claim_with_a_pod_that_comes_later(scene):
    node = scene.add_node(lvm(12))
    scene.claim('data', class_name=scene.storage_class('now', {'pmemType': 'lvm'}, immediate=True))
    scene.pod('data', 'data')
    assert scene.wait_scheduled('data') == node


def test_immediate_claim_follows_the_node_selector_of_its_pod(scene):
    """By score alone the first node would win."""
    scene.add_node(lvm(10))
    wanted = scene.add_node(
        lvm(40), labels={objects.TYPE_LABEL: 'lvm', 'disk-for': scene.kube_namespace}
    )
    scene.pod('data', 'data', nodeSelector={'disk-for': scene.kube_namespace})
    scene.claim('data', class_name=scene.storage_class('now', {'pmemType': 'lvm'}, immediate=True))
    assert scene.wait_bound('data') == wanted
    assert scene.wait_scheduled('data') == wanted


def test_immediate_claim_goes_where_cpu_is_left_for_its_pod(scene):
    """The best fit by PMEM is busy; the next one is bound to be, by a pod that waits for its volume."""
    busy, promised, free = scene.add_nodes(lvm(12), lvm(25), lvm(90))
    class_name = immediate(scene)
    scene.pod('runs', nodeName=busy, containers=[container(cpu='60')])
    scene.claim('first', '20Gi', class_name)
    scene.pod('first', 'first', containers=[container(cpu='40')])
    assert scene.wait_scheduled('first') == promised
    scene.claim('second', '4Gi', class_name)
    scene.pod('second', 'second', containers=[container(cpu='40')])
    assert scene.wait_scheduled('second') == free
    assert scene.failed_creations() == []


def container(cpu):
    return {
        'name': 'main',
        'image': 'nginx:1.7.9',
        'resources': {'requests': {'cpu': cpu, 'memory': '1Gi'}},
    }


def test_immediate_claim_passes_by_nodes_that_its_pod_may_not_use(scene):
    """A taint, a cordon, an affinity: each node fits better than the next by its PMEM."""
    taint = [{'key': 'dedicated', 'value': 'x', 'effect': 'NoSchedule'}]
    scene.add_node(lvm(10), taints=taint)
    cordoned, excluded, wanted = scene.add_nodes(lvm(11), lvm(12), lvm(40))
    scene.api.merge('nodes', cordoned, {'spec': {'unschedulable': True}})
    expression = {'key': objects.HOSTNAME, 'operator': 'NotIn', 'values': [excluded]}
    required = {'nodeSelectorTerms': [{'matchExpressions': [expression]}]}
    affinity = {'nodeAffinity': {'requiredDuringSchedulingIgnoredDuringExecution': required}}
    scene.pod('data', 'data', affinity=affinity)
    scene.claim('data', class_name=immediate(scene))
    assert scene.wait_bound('data') == wanted
    assert scene.wait_scheduled('data') == wanted


def test_immediate_claims_of_a_replica_share_a_node_before_its_pod_is_there(scene):
    """The StatefulSet's pods come late; each node holds one replica's pair exactly."""
    nodes = scene.add_nodes(lvm(15), lvm(15))
    class_name = immediate(scene)
    for name in ('data-db-0', 'log-db-0', 'data-db-1', 'log-db-1'):
        size = '10Gi' if name.startswith('data') else '5Gi'
        scene.create(
            {
                **objects.claim(name, size, class_name),
                'metadata': {'name': name, 'labels': {'app': 'db'}},
            }
        )
    placed = [
        {scene.wait_bound(f'{template}-db-{i}') for template in ('data', 'log')} for i in (0, 1)
    ]
    assert [len(nodes_of_replica) for nodes_of_replica in placed] == [1, 1], placed
    assert set.union(*placed) == set(nodes)
    assert scene.failed_creations() == []


def test_immediate_claims_of_a_burst_never_fail_to_be_created(scene):
    nodes = scene.add_nodes(lvm(20), lvm(20), lvm(20))
    class_name = scene.storage_class('now', {'pmemType': 'lvm'}, immediate=True)
    for i in range(6):
        scene.claim(f'data-{i}', class_name=class_name)
    placed = [scene.wait_bound(f'data-{i}') for i in range(6)]
    assert sorted(placed) == sorted(nodes * 2)
    assert scene.failed_creations() == []


def test_pod_put_on_a_node_by_hand_gets_its_volume_there(scene):
    scene.add_node(lvm(10))
    node = scene.add_node(lvm(40))
    scene.claim('data')
    scene.pod('data', 'data', nodeName=node)
    assert scene.wait_bound('data') == node
    assert selected_node(scene, 'data') == node


def test_claim_of_another_driver_is_never_touched(scene):
    scene.add_node(lvm(12))
    foreign = scene.storage_class('foreign', provisioner='other.example.com', immediate=True)
    scene.claim('theirs', class_name=foreign)
    scene.claim('ours', class_name=scene.storage_class('now', {'pmemType': 'lvm'}, immediate=True))
    scene.wait_bound('ours')
    assert selected_node(scene, 'theirs') is None


def test_a_refused_immediate_claim_is_answered_by_another_node(scene):
    """The best node's room was taken by hand, which its agent has no chance to tell."""
    bad, good = scene.add_nodes(lvm(12), lvm(40))
    agent = scene.cluster.agents[bad]
    agent.stop()
    agent.devices.create('lvm', 'by-hand', 8 * GI)
    try:
        scene.claim('data', class_name=immediate(scene))
        assert scene.wait_bound('data', REFUSED_SECONDS) == good
    finally:
        agent.start()
    assert {node for _, node in scene.failed_creations()} == {bad}
