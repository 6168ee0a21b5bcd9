# SPDX-License-Identifier: Apache-2.0
"""The promise in numbers: a burst that fills the cluster exactly. Without us 65 of 100 are over-committed."""

import collections
import time

import pytest

import bursts
from harness import objects
from scene import lvm

NODES, PER_NODE, GIB = 20, 5, 10


def test_burst_of_100_pods_fills_20_nodes_exactly(scene, capsys):
    nodes = scene.add_nodes(*[lvm(PER_NODE * GIB)] * NODES)
    began = time.monotonic()
    for i in range(NODES * PER_NODE):
        scene.claim_and_pod(f'data-{i:03}', f'{GIB}Gi')
    placed = scene.wait_all_scheduled(NODES * PER_NODE, seconds=120)
    seconds = time.monotonic() - began
    over = over_committed(scene)
    with capsys.disabled():
        print(
            f'\n  burst: {len(placed)} of {NODES * PER_NODE} placed in {seconds:.1f} s, {over} over-committed, '
            f'{len(scene.failed_creations())} failed creations'
        )
    assert collections.Counter(placed.values()) == {node: PER_NODE for node in nodes}
    assert over == 0
    assert scene.failed_creations() == []


def over_committed(scene):
    """Claims sent to a node beyond its room, from the claims alone; and what a device file shows."""
    sent = collections.Counter(
        c['metadata']['annotations'][objects.SELECTED_NODE]
        for c in scene.api.list('persistentvolumeclaims', scene.kube_namespace)
    )
    return sum(max(0, count - PER_NODE) for count in sent.values()) + len(scene.cluster.audit())


@pytest.fixture(scope='module')
def second_scheduler(cluster):
    """Another kube-scheduler with another profile, which asks us too."""
    process = cluster.control_plane.start_scheduler(
        cluster.extender_url, bursts.SECOND, profile=bursts.SECOND
    )
    yield
    process.stop()


# The rest of the bursts, each more trouble than the next, runs with `./dev bench bursts`.
@pytest.mark.parametrize(
    'burst',
    [bursts.LONE_PAIR, bursts.PAIRS, bursts.FRAGMENTED, bursts.TWO_SCHEDULERS],
    ids=lambda burst: burst.name,
)
def test_burst_is_placed_whole_without_a_failed_creation(scene, second_scheduler, capsys, burst):
    row = bursts.run(scene, burst)
    with capsys.disabled():
        print(f'\n  {burst.name}: {dict(zip(bursts.HEADINGS, row.cells()))}')
    assert row.is_clean, row
