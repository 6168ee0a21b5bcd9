# SPDX-License-Identifier: Apache-2.0
"""The promise in numbers: a burst that fills the cluster exactly. Without us 65 of 100 are over-committed."""

import dataclasses
import os

import pytest

import bursts
from harness import objects
from scene import lvm

TWO_SCHEDULERS = bursts.TWO_SCHEDULERS
if not os.environ.get('E2E_WHOLE'):  # What two schedulers do to each other shows with fewer pods, too.
    TWO_SCHEDULERS = dataclasses.replace(
        TWO_SCHEDULERS, name='40 pods on 8 nodes x 5 from two schedulers', nodes=(lvm(50),) * 8, pods=TWO_SCHEDULERS.pods[:40]
    )


@pytest.fixture(scope='module')
def second_scheduler(cluster):
    """Another kube-scheduler with another profile, which asks us too."""
    process = cluster.control_plane.start_scheduler(
        cluster.extender_url, bursts.SECOND, profile=bursts.SECOND
    )
    yield
    process.stop()


@pytest.mark.parametrize('node, pinned, is_half', [
    ('', 'yn', True), ('', 'nn', False), ('', 'yy', False), ('n1', 'yn', False)])
def test_a_pod_is_half_pinned_that_has_no_node_and_claims_with_and_without_one(node, pinned, is_half):
    claims = {f'c{i}': objects.claim(f'c{i}', pinned_to='n1' if one == 'y' else None) for i, one in enumerate(pinned)}
    assert bursts.is_half_pinned(objects.pod('p', list(claims), nodeName=node), claims) == is_half


# The rest of the bursts, each more trouble than the next, runs with `./dev bench bursts`.
@pytest.mark.parametrize(
    'burst',
    [bursts.FULL, bursts.LONE_PAIR, bursts.PAIRS, bursts.FRAGMENTED, TWO_SCHEDULERS],
    ids=lambda burst: burst.name,
)
def test_burst_is_placed_whole_without_a_failed_creation(scene, second_scheduler, capsys, burst):
    row = bursts.run(scene, burst)
    with capsys.disabled():
        print(f'\n  {burst.name}: {dict(zip(bursts.HEADINGS, row.cells()))}')
    assert row.is_clean, row
