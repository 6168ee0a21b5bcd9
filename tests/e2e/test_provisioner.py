# SPDX-License-Identifier: Apache-2.0
"""The real driver and the real external-provisioner on several nodes: bursts, refusals, mounts, growth."""

import os
import subprocess

import pytest

from harness import objects, waiting
from scene import GI, both, lvm

REFUSED_SECONDS = 30
PROVISIONER = 'pmem.csi.alibabacloud.com'


def test_a_burst_fills_the_nodes_without_one_failed_creation(real_scene):
    real_scene.add_nodes(*[both(24, 24)] * 3)
    names = [f'burst-{i}' for i in range(12)]
    for i, name in enumerate(names):
        real_scene.claim_and_pod(name, *(('6Gi', 'pmem-direct') if i % 2 else ('11Gi', 'pmem-lvm')))
    assert [name for name in names if not real_scene.wait_bound(name, REFUSED_SECONDS)] == []
    assert real_scene.failed_creations() == []


def test_a_foreign_volume_that_nobody_knew_of_sends_the_claim_to_another_node(real_scene):
    """Room on one node only, as far as the extender knows; then somebody takes that room by hand."""
    full, other = real_scene.add_nodes(lvm(24), lvm(4))
    agent = real_scene.cluster.agents[full]
    agent.stop()
    agent.devices.create('lvm', 'by-hand', 20 * GI)
    try:
        real_scene.claim_and_pod('refused', '8Gi')
        waiting.until(real_scene.failed_creations, 'the driver refuses', REFUSED_SECONDS)
        real_scene.cluster.agents[other].devices.write(lvm(10))
    finally:
        agent.start()
    assert real_scene.wait_bound('refused', REFUSED_SECONDS) == other
    assert {node for _, node in real_scene.failed_creations()} == {full}
    assert real_scene.get_claim('refused')['metadata']['annotations'][objects.SELECTED_NODE] == other


def test_a_class_says_its_kind_by_its_name_where_it_has_no_parameter(real_scene):
    """On a node with both kinds the driver, which is told no class, asks for the claim's."""
    real_scene.add_node(both(24, 24))
    for kind in ('lvm', 'direct'):
        name = f'pmem-{kind}'
        with real_scene.class_without_parameters(name):
            real_scene.claim_and_pod(name, '6Gi', name)
            node = real_scene.wait_bound(name, REFUSED_SECONDS)
        assert real_scene.free(node, kind) == 18 * GI
    assert real_scene.failed_creations() == []


def test_a_claim_that_is_deleted_while_it_waits_for_the_driver_gets_no_volume(real_scene):
    """external-provisioner's call goes on; by the driver's turn nobody wants the volume any more."""
    node = real_scene.add_node(lvm(24))

    def call_of(name):
        """Until the provisioner has sent it: its Event comes right before."""
        waiting.until(lambda: real_scene.events_of(name, PROVISIONER), f'claim {name} is being provisioned')

    with real_scene.cluster.agents[node].devices.held():
        real_scene.claim_and_pod('first', '4Gi')
        call_of('first')
        real_scene.claim_and_pod('second', '4Gi')
        call_of('second')
        unwanted = f'disk-{real_scene.get_claim("second")["metadata"]["uid"]}'
        real_scene.delete_pod('second')
        real_scene.delete_claim('second')
        waiting.until(lambda: len(real_scene.api.list('persistentvolumeclaims', real_scene.kube_namespace)) == 1,
                      'the claim is gone')
    assert real_scene.wait_bound('first', REFUSED_SECONDS) == node
    driver = real_scene.cluster.csi[node].driver_process
    driver.wait_for_line(f'FAILED_PRECONDITION: the claim is gone: {unwanted}', REFUSED_SECONDS)
    assert real_scene.volume_names(node) == {real_scene.get_claim('first')['spec']['volumeName']}


@pytest.mark.skipif(os.geteuid() != 0, reason='needs root, for loop devices and mounts')
def test_a_volume_is_mounted_and_grows_by_the_kubelets_calls(real_scene, tmp_path):
    real_scene.add_node(both(24, 24))
    real_scene.claim_and_pod('data', '1Gi')
    node = real_scene.wait_bound('data')
    csi = real_scene.cluster.csi[node]
    volume = real_scene.get_claim('data')['spec']['volumeName']
    staging, target = tmp_path / 'staging', tmp_path / 'target'
    staging.mkdir()
    csi.mount(volume, staging, target, 'xfs')
    try:
        (target / 'data').write_text('kept')
        blocks = os.statvfs(target).f_blocks
        grown = {'spec': {'resources': {'requests': {'storage': '3Gi'}}}}
        real_scene.api.merge('persistentvolumeclaims', 'data', grown, real_scene.kube_namespace)
        assert csi.expand(volume, target, 3 * GI) == ('OK', {'capacity_bytes': str(3 * GI)})
        assert real_scene.free(node, 'lvm') == 21 * GI
        assert os.statvfs(target).f_blocks > 2.8 * blocks
        assert (target / 'data').read_text() == 'kept'
    finally:
        csi.unmount(volume, staging, target)
    loops = subprocess.run(['losetup', '--list'], capture_output=True, text=True, check=True).stdout
    assert str(real_scene.cluster.directory) not in loops
    assert not target.exists()
