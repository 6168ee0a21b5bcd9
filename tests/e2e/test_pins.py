# SPDX-License-Identifier: Apache-2.0
"""Claims whose node the scheduler does not choose: typed in by hand, Immediate, or a pod put on a node."""

import pytest

from harness import objects, waiting
from scene import direct, lvm


@pytest.fixture
def driver_delay(cluster):
    """Sets how many seconds a driver takes to create a volume or to refuse."""

    def delay(seconds):
        cluster.provisioner.delay_seconds = seconds

    yield delay
    delay(0.0)


def selected_node(scene, claim_name):
    return scene.get_claim(claim_name)['metadata'].get('annotations', {}).get(objects.SELECTED_NODE)


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


def test_pinned_claim_without_a_pod_counts_from_the_moment_it_is_seen(scene):
    """Its volume takes its time; meanwhile nobody else gets the room."""
    scene.cluster.provisioner.delay_seconds = 1.0
    try:
        node = scene.add_node(lvm(15))
        scene.claim('pinned', pinned_to=node)
        waiting.until(
            lambda: scene.ledger_claims().get('pinned') == ('assigned', node),
            'the ledger keeps the room of the claim',
        )
        scene.claim_and_pod('late')
        scene.wait_refused('late')
        assert scene.wait_bound('pinned') == node
    finally:
        scene.cluster.provisioner.delay_seconds = 0.0
    assert scene.failed_creations() == []
    assert scene.node_of('late') is None


SLOW = 7.0  # Longer than our patience with a pin that cannot work.
BAD_PINS = {
    'a node that is not there': (lambda scene: 'node-nowhere', 0.0, 'does not exist'),
    'a node without PMEM of that kind': (
        lambda scene: scene.add_node(direct(64)),
        0.0,
        'no PMEM pool of the requested kind',
    ),
    'a node without room': (lambda scene: scene.add_node(lvm(8)), 0.0, 'insufficient free PMEM'),
    'a node without room, a slow driver': (
        lambda scene: scene.add_node(lvm(8)),
        SLOW,
        'insufficient free PMEM',
    ),
}


@pytest.mark.parametrize('choose,delay,text', BAD_PINS.values(), ids=BAD_PINS.keys())
def test_pin_that_cannot_work_is_told_on_the_claim_and_nothing_is_lost(
    scene, driver_delay, choose, delay, text
):
    """Most drivers refuse at once, so that the pin is gone before anybody can look at it twice."""
    good = scene.add_node(lvm(12))
    bad = choose(scene)
    driver_delay(delay)
    claim = scene.claim('data', pinned_to=bad)
    event = waiting.until(lambda: scene.events_of('data'), 'an Event of ours on the claim')[0]
    assert event['type'] == 'Warning'
    assert event['involvedObject']['uid'] == claim['metadata']['uid']
    assert f'node {bad}' in event['message'] and text in event['message']
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


def immediate(scene):
    return scene.storage_class('now', {'pmemType': 'lvm'}, immediate=True)


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
    assert all(len(nodes_of_replica) == 1 for nodes_of_replica in placed)
    assert set.union(*placed) == set(nodes)
    assert scene.failed_creations() == []


def test_a_refused_immediate_claim_is_answered_by_another_node(scene):
    """The best node's driver finds no room, whatever its agent says."""
    bad, good = scene.add_nodes(lvm(12), lvm(40))
    scene.cluster.provisioner.refusing.add(bad)
    try:
        scene.claim('data', class_name=immediate(scene))
        assert scene.wait_bound('data') == good
    finally:
        scene.cluster.provisioner.refusing.discard(bad)
    assert [node for _, node in scene.failed_creations()] == [bad]


def test_a_schedulers_pin_on_a_node_that_is_gone_is_taken_away(scene, driver_delay):
    """The node goes while the volume is in the making; nobody else would ever free the pod."""
    gone, stays = scene.add_nodes(lvm(10), lvm(40))
    driver_delay(3.0)
    scene.claim_and_pod('data')
    waiting.until(lambda: selected_node(scene, 'data') == gone, 'the scheduler chose the best node')
    drivers = scene.cluster.provisioner.node_devices
    driver = drivers.pop(gone)
    try:
        scene.cluster.remove_node(gone)
        driver_delay(0.0)
        assert scene.wait_scheduled('data', seconds=60) == stays
        assert scene.wait_bound('data') == stays
    finally:
        drivers[gone] = driver


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
