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


BAD_PINS = {
    'a node that is not there': (lambda scene: 'node-nowhere', 'node'),
    'a node without PMEM of that kind': (lambda scene: scene.add_node(direct(64)), ''),
    'a node without room': (lambda scene: scene.add_node(lvm(8)), ''),
}


@pytest.mark.parametrize('choose,word', BAD_PINS.values(), ids=BAD_PINS.keys())
def test_pin_that_cannot_work_is_told_on_the_claim_and_nothing_is_lost(
    scene, driver_delay, choose, word
):
    """The driver is slower to refuse than our patience with a pin, which it then takes away."""
    good = scene.add_node(lvm(12))
    bad = choose(scene)
    driver_delay(7.0)
    claim = scene.claim('data', pinned_to=bad)
    event = waiting.until(lambda: scene.events_of('data'), 'an Event of ours on the claim')[0]
    assert event['type'] == 'Warning'
    assert event['involvedObject']['uid'] == claim['metadata']['uid']
    assert word in event.get('message', event.get('note', ''))
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
