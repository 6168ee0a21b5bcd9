# SPDX-License-Identifier: Apache-2.0
"""Something is down or comes back: no new volume where nobody knows, everything else goes on."""

import signal

import pytest

from harness import objects, waiting
from scene import lvm

STALE_SECONDS = 30


@pytest.fixture
def agents_back(cluster):
    """Starts agents again that the test has stopped."""
    stopped = []
    yield stopped
    for name in stopped:
        cluster.agents[name].start()


def test_node_whose_agent_is_down_takes_nothing_new_and_the_rest_go_on(scene, agents_back):
    silent = scene.add_node(lvm(100))
    other = scene.add_node(lvm(20))
    scene.cluster.agents[silent].kill()
    agents_back.append(silent)
    waiting.until(lambda: not is_fresh(scene, silent), 'the silent node is stale', STALE_SECONDS)
    scene.claim_and_pod('data')
    assert scene.wait_scheduled('data') == other
    scene.claim_and_pod('big', '50Gi')
    scene.wait_refused('big')
    explained = scene.wait_explained('big')
    reasons = {n['node']: n['reason'] for n in explained['nodes']}
    assert {name: reasons[name] for name in scene.nodes} == {silent: 'stale_report', other: 'no_room'}
    scene.cluster.agents[silent].start()
    agents_back.remove(silent)
    waiting.until(lambda: is_fresh(scene, silent), 'the node is back')
    scene.wake()
    assert scene.wait_scheduled('big', seconds=40) == silent


def is_fresh(scene, name):
    status, node = scene.cluster.ask(f'/v1/nodes/{name}')
    return status == 200 and node.get('freshness') == 'fresh'


def test_all_agents_down_refuses_pmem_pods_and_no_others(scene, agents_back):
    nodes = scene.add_nodes(lvm(20), lvm(20))
    for name in nodes:
        scene.cluster.agents[name].kill()
        agents_back.append(name)
    waiting.until(
        lambda: not any(is_fresh(scene, n) for n in nodes), 'both nodes are stale', STALE_SECONDS
    )
    scene.claim_and_pod('data')
    scene.pod('plain')
    assert scene.wait_scheduled('plain') in nodes
    scene.wait_refused('data')
    assert scene.cluster.ask('/livez')[0] == 200


def test_extender_killed_in_the_middle_loses_and_doubles_nothing(scene):
    """Ten pods fill two nodes exactly; the extender dies after the first ones were placed."""
    scene.add_nodes(lvm(50), lvm(50))
    for i in range(10):
        scene.claim_and_pod(f'data-{i}')
        if i == 4:
            scene.cluster.extender.kill()
            scene.cluster.start_extender(wait=False)
    scene.cluster.wait_extender_ready()
    placed = scene.wait_all_scheduled(10, seconds=60)
    assert sorted(placed.values()) == sorted(scene.nodes * 5)
    assert scene.failed_creations() == []


def test_pods_without_pmem_wait_only_while_the_extender_is_away(scene):
    scene.add_node(lvm(20))
    scene.cluster.extender.signal(signal.SIGTERM)
    waiting.until(
        lambda: scene.cluster.extender.exit_code() is not None, 'the extender has ended', 6
    )
    assert scene.cluster.extender.exit_code() == 0
    scene.pod('plain')
    scene.wait_refused('plain', 'connection refused')
    scene.cluster.start_extender()
    assert scene.wait_scheduled('plain', seconds=40) in scene.nodes


def test_added_node_takes_a_pending_pod(scene):
    scene.add_node(lvm(8))
    scene.claim_and_pod('data')
    scene.wait_refused('data')
    added = scene.add_node(lvm(12))
    scene.wake()
    assert scene.wait_scheduled('data', seconds=40) == added


def test_removed_node_takes_nothing_and_its_pin_is_placed_again(scene):
    """An Immediate claim of ours was sent to the node that goes away before its volume was made."""
    gone = scene.add_node(lvm(10))
    stays = scene.add_node(lvm(40))
    scene.cluster.fake_provisioner.delay_seconds = 3.0
    try:
        class_name = scene.storage_class('now', {'pmemType': 'lvm'}, immediate=True)
        scene.claim('data', class_name=class_name)
        waiting.until(
            lambda: scene.get_claim('data')['metadata']
            .get('annotations', {})
            .get(objects.SELECTED_NODE)
            == gone,
            'the claim is pinned to the node that will go',
        )
        driver = scene.cluster.fake_provisioner.node_devices.pop(gone)
        scene.cluster.remove_node(gone)
    finally:
        scene.cluster.fake_provisioner.delay_seconds = 0.0
    try:
        assert scene.wait_bound('data', seconds=60) == stays
    finally:
        scene.cluster.fake_provisioner.node_devices[gone] = driver
