# SPDX-License-Identifier: Apache-2.0
"""A claim is edited: the real external-resizer asks the real driver; the kubelet's part is played by the test."""

import contextlib
import os

import pytest

from harness import kube, waiting
from scene import GI, both

RESIZER = 'external-resizer'
STATUS = 'allocatedResourceStatuses'
SECONDS = 30


@contextlib.contextmanager
def resizer_of(scene, node):
    """external-resizer beside that node's driver, which leads for all nodes."""
    resizer = scene.cluster.csi[node].start_resizer()
    try:
        yield
    finally:
        resizer.stop()


def claim_on_one_of_two(scene, name, *arguments):
    """(the claim's node, the other one)"""
    nodes = scene.add_nodes(both(24, 24), both(24, 24))
    scene.claim_and_pod(name, *arguments)
    node = scene.wait_bound(name)
    return node, next(n for n in nodes if n != node)


def ask_for(scene, name, size):
    scene.api.merge(
        'persistentvolumeclaims',
        name,
        {'spec': {'resources': {'requests': {'storage': size}}}},
        scene.kube_namespace,
    )


def wait_resize_status(scene, name, wanted):
    """The claim, once its status says so of the expansion."""

    def seen():
        claim = scene.get_claim(name)
        return claim if claim['status'].get(STATUS, {}).get('storage') == wanted else None

    return waiting.until(seen, f'claim {name} is {wanted}', SECONDS)


def wait_events(scene, name, reason):
    """Messages of the resizer's Events of that reason on the claim."""

    def seen():
        return [e['message'] for e in scene.events_of(name, RESIZER) if e['reason'] == reason]

    return waiting.until(seen, f'an Event {reason} on claim {name}', SECONDS)


def capacity_of(scene, name):
    volume = scene.api.get('persistentvolumes', scene.get_claim(name)['spec']['volumeName'])
    return volume['spec']['capacity']['storage']


def free(scene, node, kind):
    """What the ledger has for others: what the node reports, less what is to grow there."""
    status, answer = scene.cluster.ask(f'/v1/nodes/{node}')
    assert status == 200, status
    return next(k['free_bytes'] for k in answer['kinds'] if k['kind'] == kind)


def say_as_the_kubelet_that_it_is_done(scene, name, size):
    done = {'capacity': {'storage': size}, 'conditions': None, STATUS: None}
    scene.api.merge(
        'persistentvolumeclaims', name, {'status': done}, scene.kube_namespace, sub='status'
    )


@pytest.mark.skipif(os.geteuid() != 0, reason='needs root, for loop devices and mounts')
def test_an_edited_claim_grows_once_the_kubelet_of_its_node_has_done_its_part(real_scene, tmp_path):
    node, other = claim_on_one_of_two(real_scene, 'data', '1Gi')
    csi, volume = real_scene.cluster.csi[node], real_scene.get_claim('data')['spec']['volumeName']
    staging, target = tmp_path / 'staging', tmp_path / 'target'
    staging.mkdir()
    with resizer_of(real_scene, other):
        csi.mount(volume, staging, target, 'xfs')
        try:
            ask_for(real_scene, 'data', '3Gi')
            pending = wait_resize_status(real_scene, 'data', 'NodeResizePending')
            assert pending['status']['capacity'] == {'storage': '1Gi'}
            assert pending['status']['allocatedResources'] == {'storage': '3Gi'}
            assert capacity_of(real_scene, 'data') == '3Gi'
            waiting.until(
                lambda: free(real_scene, node, 'lvm') == 21 * GI, 'the ledger counts the growth'
            )
            assert real_scene.free(node, 'lvm') == 23 * GI
            assert csi.expand(volume, target, 3 * GI) == ('OK', {'capacity_bytes': str(3 * GI)})
        finally:
            csi.unmount(volume, staging, target)
        say_as_the_kubelet_that_it_is_done(real_scene, 'data', '3Gi')
        assert wait_events(real_scene, 'data', 'Resizing')
        assert wait_events(real_scene, 'data', 'FileSystemResizeRequired')
    assert real_scene.get_claim('data')['status']['capacity'] == {'storage': '3Gi'}
    real_scene.wait_known_free(node, (21 + 24) * GI)
    assert free(real_scene, node, 'lvm') == 21 * GI


@pytest.mark.parametrize('resizer_is', ['here', 'elsewhere'])
def test_a_direct_claim_that_somebodys_class_lets_grow_is_refused_and_told_why(real_scene, resizer_is):
    class_name = real_scene.storage_class('grows', {'pmemType': 'direct'})
    node, other = claim_on_one_of_two(real_scene, 'data', '4Gi', class_name)
    before = free(real_scene, node, 'direct')
    with resizer_of(real_scene, node if resizer_is == 'here' else other):
        ask_for(real_scene, 'data', '6Gi')
        refused = wait_resize_status(real_scene, 'data', 'ControllerResizeInfeasible')
        reason = f'of {4 * GI} bytes is of kind direct'
        assert reason in wait_events(real_scene, 'data', 'VolumeResizeFailed')[0]
    told = {c['type']: c.get('message') for c in refused['status']['conditions']}
    assert reason in told['ControllerResizeError']
    assert capacity_of(real_scene, 'data') == '4Gi'
    assert free(real_scene, node, 'direct') == before


def test_the_direct_class_that_ships_refuses_the_edit_itself(real_scene):
    real_scene.add_node(both(24, 24))
    real_scene.claim_and_pod('data', '4Gi', 'pmem-direct')
    real_scene.wait_bound('data')
    with pytest.raises(kube.ApiError, match='must support resize') as refused:
        ask_for(real_scene, 'data', '6Gi')
    assert refused.value.status == 403
    assert real_scene.get_claim('data')['spec']['resources']['requests'] == {'storage': '4Gi'}
