# SPDX-License-Identifier: Apache-2.0
"""Pins while the driver is slow or away: by the fake provisioner, which can be told so."""

import pytest

from harness import waiting
from pins import check_bad_pin, selected_node
from scene import lvm

SLOW = 7.0  # Longer than our patience with a pin that cannot work.


@pytest.fixture
def driver_delay(cluster):
    """Sets how many seconds a driver takes to create a volume or to refuse."""

    def delay(seconds):
        cluster.fake_provisioner.delay_seconds = seconds

    yield delay
    cluster.fake_provisioner.end_delay()


def test_a_pin_without_room_is_told_before_a_slow_driver_refuses(scene, driver_delay):
    good = scene.add_node(lvm(12))
    bad = scene.add_node(lvm(8))
    driver_delay(SLOW)
    check_bad_pin(scene, bad, 'insufficient free PMEM')
    scene.claim_and_pod('other')
    waiting.until(lambda: selected_node(scene, 'other') == good, 'the scheduler chose the other node')
    scene.cluster.fake_provisioner.end_delay()
    assert scene.wait_scheduled('other') == good


def test_pinned_claim_without_a_pod_counts_from_the_moment_it_is_seen(scene):
    """Its volume takes its time; meanwhile nobody else gets the room."""
    scene.cluster.fake_provisioner.delay_seconds = 1.0
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
        scene.cluster.fake_provisioner.delay_seconds = 0.0
    assert scene.failed_creations() == []
    assert scene.node_of('late') is None


def test_a_schedulers_pin_on_a_node_that_is_gone_is_taken_away(scene, driver_delay):
    """The node goes while the volume is in the making; nobody else would ever free the pod."""
    gone, stays = scene.add_nodes(lvm(10), lvm(40))
    scene.api.merge('nodes', stays, {'spec': {'unschedulable': True}})
    driver_delay(3.0)
    scene.claim_and_pod('data')
    waiting.until(lambda: selected_node(scene, 'data') == gone, 'the scheduler chose the one node')
    scene.api.merge('nodes', stays, {'spec': {'unschedulable': None}})
    drivers = scene.cluster.fake_provisioner.node_devices
    driver = drivers.pop(gone)
    try:
        scene.cluster.remove_node(gone)
        driver_delay(0.0)
        assert scene.wait_scheduled('data', seconds=60) == stays
        assert scene.wait_bound('data') == stays
    finally:
        drivers[gone] = driver
