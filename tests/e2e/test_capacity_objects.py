# SPDX-License-Identifier: Apache-2.0
"""CSIStorageCapacity objects: right, few, cleaned up, read by the real in-tree filter, and what wakes it up."""

import pytest

import wakeup
from capacity import SYSTEM, objects_of, sizes_of, wait_joined, wait_sizes
from harness import waiting
from scene import GI, both, lvm

IN_TREE_REASON = 'did not have enough free storage'


def edit(scene, node, class_name, **changes):
    name = objects_of(scene, node)[class_name]['metadata']['name']
    scene.api.merge('csistoragecapacities', name, changes, SYSTEM)


@pytest.fixture
def extender_with(cluster):
    """Starts the extender anew with other flags; afterwards as it was."""

    def restart(*flags):
        cluster.extender.stop()
        cluster.extender_flags = (*before, *flags)
        cluster.start_extender()

    before = cluster.extender_flags
    yield restart
    cluster.extender.stop()
    cluster.extender_flags = before
    cluster.start_extender()


def test_a_node_has_one_object_for_each_class_and_they_follow_its_room(scene):
    node = scene.add_node(both(25, 12))
    wait_sizes(scene, node, {'pmem-lvm': (25 * GI,) * 2, 'pmem-direct': (12 * GI,) * 2})
    scene.claim_and_pod('data')
    assert scene.wait_bound('data') == node
    wait_sizes(scene, node, {'pmem-lvm': (15 * GI,) * 2, 'pmem-direct': (12 * GI,) * 2})
    versions = {o['metadata']['resourceVersion'] for o in objects_of(scene, node).values()}
    scene.claim_and_pod('too-large', '16Gi')
    assert IN_TREE_REASON in scene.wait_refused('too-large')
    after = {o['metadata']['resourceVersion'] for o in objects_of(scene, node).values()}
    assert after == versions, 'nothing changed, and yet something was written'


def test_what_people_do_to_the_objects_is_put_right(scene):
    node = scene.add_node(lvm(25))
    expected = {'pmem-lvm': (25 * GI,) * 2, 'pmem-direct': (0, 0)}
    wait_sizes(scene, node, expected)
    edit(scene, node, 'pmem-lvm', capacity='1', maximumVolumeSize=None)
    wait_sizes(scene, node, expected)
    name = objects_of(scene, node)['pmem-lvm']['metadata']['name']
    scene.api.delete('csistoragecapacities', name, SYSTEM)
    wait_sizes(scene, node, expected)
    edit(scene, node, 'pmem-lvm', metadata={'labels': {'csi.storage.k8s.io/managed-by': None}})
    wait_sizes(scene, node, expected)


def test_objects_go_with_their_class_and_their_node(scene):
    node = scene.add_node(lvm(25))
    name = scene.storage_class('second', {'pmemType': 'lvm'})
    waiting.until(lambda: name in objects_of(scene, node), 'the new class has an object')
    scene.api.delete('storageclasses', name)
    waiting.until(lambda: name not in objects_of(scene, node), 'its object is gone')
    scene.cluster.remove_node(node)
    waiting.until(lambda: not objects_of(scene, node), 'the objects of the node are gone')


def test_objects_of_a_node_go_with_it_while_no_extender_runs(scene):
    """By their owner reference."""
    node = scene.add_node(lvm(25))
    waiting.until(lambda: objects_of(scene, node), 'the node has objects')
    scene.cluster.extender.stop()
    try:
        scene.cluster.remove_node(node)
        waiting.until(lambda: not objects_of(scene, node), 'the objects of the node are gone')
    finally:
        scene.cluster.start_extender()


def test_objects_of_a_node_that_never_reported_to_this_extender_stand(scene, extender_with):
    """Unknown is not zero: a new leader that cannot reach an agent leaves what the one before knew."""
    node = scene.add_node(lvm(25))
    wait_sizes(scene, node, {'pmem-lvm': (25 * GI,) * 2, 'pmem-direct': (0, 0)})
    scene.cluster.agents[node].kill()
    scene.cluster.fake_provisioner.delay_seconds = 3.0  # The claim stays without a volume for a while.
    try:
        extender_with('--agents-wait-max=1s')
        other = scene.add_node(lvm(10))
        waiting.until(lambda: sizes_of(scene, other), 'the new leader writes objects')
        assert sizes_of(scene, node)['pmem-lvm'] == (25 * GI,) * 2
        edit(scene, node, 'pmem-lvm', capacity='1Gi', maximumVolumeSize='1Gi')
        scene.claim('pinned', '9Gi', pinned_to=node)
        wait_sizes(scene, node, {'pmem-lvm': (9 * GI,) * 2, 'pmem-direct': (0, 0)})
    finally:
        scene.cluster.fake_provisioner.delay_seconds = 0.0
        scene.cluster.agents[node].start()


def test_with_many_nodes_one_object_a_class_stands_for_all(scene, extender_with):
    small, large = scene.add_nodes(lvm(10), lvm(15))
    wait_sizes(scene, large, {'pmem-lvm': (15 * GI,) * 2, 'pmem-direct': (0, 0)})
    extender_with('--capacity-objects-nodes-max=1')
    wait_joined(scene, 15 * GI)
    scene.claim_and_pod('first', '12Gi')
    assert scene.wait_bound('first') == large
    scene.claim_and_pod('second', '10Gi')
    assert scene.wait_bound('second') == small
    wait_joined(scene, 3 * GI)  # Until then the in-tree filter lets the third through, to our refusal.
    scene.claim_and_pod('third', '10Gi')
    assert IN_TREE_REASON in scene.wait_refused('third')
    scene.delete_pod('second')
    scene.delete_claim('second')
    assert scene.wait_bound('third') == small


def half_provisioned_pod(scene):
    """A pod that is not let go yet, one claim bound on a node that has just the room for its other one."""
    node = scene.add_node(lvm(20))
    scene.claim_and_pod('first')
    assert scene.wait_bound('first') == node
    scene.delete_pod('first')
    scene.claim('second')
    scene.pod('pair', 'first', 'second', schedulingGates=[{'name': 'example.com/wait'}])
    waiting.until(lambda: free_bytes(scene, node) == 0, 'the room for the second is reserved')
    return node


def free_bytes(scene, node):
    """LVM bytes that the ledger would promise to anybody."""
    kinds = scene.cluster.ask(f'/v1/nodes/{node}')[1]['kinds']
    return next(k['free_bytes'] for k in kinds if k['kind'] == 'lvm')


def let_go(scene):
    scene.api.merge('pods', 'pair', {'spec': {'schedulingGates': []}}, scene.kube_namespace)


def test_a_half_provisioned_pod_passes_the_in_tree_filter_on_its_own_node(scene):
    """Net of its own reservation nothing is free there. The object says what the pod itself may need."""
    node = half_provisioned_pod(scene)
    wait_sizes(scene, node, {'pmem-lvm': (10 * GI,) * 2, 'pmem-direct': (0, 0)})
    scene.claim_and_pod('other')
    assert 'insufficient free PMEM' in scene.wait_refused('other')
    let_go(scene)
    assert scene.wait_scheduled('pair') == node
    assert scene.wait_bound('second') == node
    assert scene.failed_creations() == []


def test_a_net_object_would_lock_the_half_provisioned_pod_out(scene, extender_with):
    """The same with what a naive publisher writes: the real in-tree filter never lets the pod through."""
    node = half_provisioned_pod(scene)
    extender_with('--capacity-objects=false')
    edit(scene, node, 'pmem-lvm', capacity='0', maximumVolumeSize='0')
    let_go(scene)
    scene.wait_refused('pair', IN_TREE_REASON)
    assert scene.node_of('pair') is None
    extender_with()
    assert scene.wait_scheduled('pair') == node


def test_the_objects_wake_a_pending_pod_up(scene, capsys):
    """No label of a node is touched. The wake-up object is for whom filter refused: here the in-tree check does."""
    times = wakeup.measure(scene, runs=3)
    with capsys.disabled():
        print(f'\n  wake-up: freed to pod bound {wakeup.summary(times)}')
    assert max(times) < 20
