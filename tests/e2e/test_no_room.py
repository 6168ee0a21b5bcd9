# SPDX-License-Identifier: Apache-2.0
"""No room: pending with a constant reason, numbers on request, and placed once room is freed."""

from capacity import wait_sizes
from harness import waiting
from scene import GI, both, direct, lvm


def test_pending_pod_is_explained_and_placed_when_room_is_freed(scene):
    node = scene.add_node(lvm(15))
    scene.claim_and_pod('first')
    assert scene.wait_scheduled('first') == node
    wait_sizes(scene, node, {'pmem-lvm': (5 * GI,) * 2, 'pmem-direct': (0, 0)})
    scene.wait_known(node)
    scene.claim_and_pod('second')
    message = scene.wait_refused('second')
    row = explained_row(scene, 'second', node)
    assert (row['fits'], row['reason']) == (False, 'no_room')
    assert (row['need_bytes'], row['free_bytes']) == (10 << 30, 5 << 30)
    # The capacity objects spare the extender such pods: the in-tree filter says it first.
    assert 'did not have enough free storage' in message
    assert [c for c in row['text'] if c.isdigit()] == [], row['text']
    scene.delete_pod('first')
    scene.delete_claim('first')
    scene.wait_known_free(node, 15 << 30)
    assert scene.wait_scheduled('second', seconds=40) == node
    assert scene.wait_bound('second') == node
    assert scene.failed_creations() == []


def explained_row(scene, pod_name, node):
    """What explain says of one node."""
    explained = scene.wait_explained(pod_name)
    return next(n for n in explained['nodes'] if n['node'] == node)


def test_the_reason_stays_the_same_while_the_numbers_change(scene):
    """Numbers in it would make the scheduler try again for ever."""
    node = scene.add_node(lvm(25))
    scene.claim_and_pod('huge', '100Gi')
    before = scene.wait_refused('huge')
    scene.claim_and_pod('small')
    assert scene.wait_scheduled('small') == node
    scene.wait_known(node)
    scene.claim_and_pod('other', '90Gi')
    assert scene.wait_refused('other') == before
    assert scene.refusal('huge') == before


def test_every_kind_of_node_without_room_is_told_apart_in_explain(scene):
    full, wrong_kind, fits_not_both = scene.add_nodes(lvm(8), direct(64), both(64, 4))
    scene.claim('bulk', '10Gi', 'pmem-lvm')
    scene.claim('fast', '9Gi', 'pmem-direct')
    scene.pod('database', 'bulk', 'fast')
    scene.wait_refused('database')
    rows = {name: explained_row(scene, 'database', name) for name in scene.nodes}
    assert [name for name, row in rows.items() if row['fits']] == []
    # Both kinds together: what is free is told of them all, the reason of the one that does not fit.
    assert {name: (row['reason'], row['free_bytes']) for name, row in rows.items()} == {
        full: ('no_room', 8 * GI),
        wrong_kind: ('no_pool', 64 * GI),
        fits_not_both: ('no_room', 68 * GI),
    }


def test_explain_of_a_pod_that_is_not_there_is_a_404(scene):
    status, problem = scene.explain('nobody')
    assert status == 404
    assert problem['status'] == 404


def test_deleted_pending_pod_leaves_nothing_behind(scene):
    node = scene.add_node(lvm(8))
    scene.claim_and_pod('data')
    scene.wait_refused('data')
    scene.delete_pod('data')
    scene.delete_claim('data')
    waiting.until(
        lambda: not scene.api.list('persistentvolumeclaims', scene.kube_namespace),
        'the claim is gone',
    )
    scene.claim_and_pod('small', '8Gi')
    assert scene.wait_scheduled('small') == node
