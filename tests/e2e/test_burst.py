# SPDX-License-Identifier: Apache-2.0
"""The promise in numbers: a burst that fills the cluster exactly. Without us 65 of 100 are over-committed."""

import pytest

import bursts


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
    [bursts.FULL, bursts.LONE_PAIR, bursts.PAIRS, bursts.FRAGMENTED, bursts.TWO_SCHEDULERS],
    ids=lambda burst: burst.name,
)
def test_burst_is_placed_whole_without_a_failed_creation(scene, second_scheduler, capsys, burst):
    row = bursts.run(scene, burst)
    with capsys.disabled():
        print(f'\n  {burst.name}: {dict(zip(bursts.HEADINGS, row.cells()))}')
    assert row.is_clean, row
