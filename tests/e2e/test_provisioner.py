# SPDX-License-Identifier: Apache-2.0
"""Three nodes with the real driver and the real external-provisioner, from claim to mounted volume and back."""

import os
import pathlib
import shutil
import subprocess

import pytest
import yaml

from conftest import IMPATIENT, RUNS
from harness import cluster as clusters
from harness import csi_nodes, devices, objects, waiting
from scene import both

GI = devices.GI
NAMES = ['real-1', 'real-2', 'real-3']
DRIVER = clusters.PROGRAMS / 'csi-driver' / 'pmem-csi-driver'
CSI_CALL = clusters.PROGRAMS / 'tests' / 'csi' / 'csi-call'
PROVISIONER = clusters.BINARIES / 'csi-provisioner'
PLACE_SECONDS = 60
KUBE_NAMESPACE = 'default'


class Nodes:
    """The cluster and its real drivers, with what every test asks of them."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.api = cluster.api
        self.csi = {
            name: csi_nodes.CsiNode(cluster, name, DRIVER, PROVISIONER, CSI_CALL) for name in NAMES
        }

    def bound(self, claim_name):
        """(claim, node of its volume by the device files) once it is Bound."""

        def look():
            claim = self.api.get('persistentvolumeclaims', claim_name, KUBE_NAMESPACE)
            return claim if claim.get('status', {}).get('phase') == 'Bound' else None

        claim = waiting.until(look, f'{claim_name} is bound', PLACE_SECONDS)
        return claim, self.node_with(claim['spec']['volumeName'])

    def node_with(self, volume):
        return next((name for name in NAMES if volume in self.volumes(name)), None)

    def volumes(self, node_name):
        return {name: size for _, name, size in self.cluster.agents[node_name].devices.volumes()}

    def delete(self, *names):
        """Pods and claims of these names; returns once no node has a volume of theirs."""
        for name in names:
            if self.api.find('pods', name, KUBE_NAMESPACE):
                self.api.delete('pods', name, KUBE_NAMESPACE, grace_seconds=0)
            self.api.delete('persistentvolumeclaims', name, KUBE_NAMESPACE)
        waiting.until(self.is_empty, 'no volume is left', PLACE_SECONDS)

    def is_empty(self):
        left = [v for n in NAMES for v in self.volumes(n) if v.startswith('disk-')]
        return not left and not self.api.list('persistentvolumes')

    def claim_and_pod(self, name, size, class_name='pmem-lvm'):
        self.api.create(objects.claim(name, size, class_name), KUBE_NAMESPACE)
        self.api.create(objects.pod(name, [name]), KUBE_NAMESPACE)


@pytest.fixture(scope='module')
def nodes():
    directory = RUNS / f'real-{os.getpid()}'
    shutil.rmtree(directory, ignore_errors=True)
    cluster = clusters.Cluster(directory, NAMES)
    try:
        cluster.start(extender_flags=IMPATIENT, with_stand_in_provisioner=False)
        running = Nodes(cluster)
        for name, node in running.csi.items():
            cluster.add_node(name, both(24, 24))
            node.start()
            node.label()
        yield running
        shutil.rmtree(directory, ignore_errors=True)
    finally:
        cluster.stop()


def test_the_products_examples_are_bound_to_volumes_that_exist(nodes):
    for kind in ('lvm', 'direct'):
        path = clusters.MANIFESTS / 'examples' / f'{kind}.yaml'
        for obj in yaml.safe_load_all(path.read_text()):
            nodes.api.create(obj, KUBE_NAMESPACE)
    for kind, size in (('lvm', 10), ('direct', 9)):
        claim, node = nodes.bound(f'pmem-{kind}')
        volume = f'disk-{claim["metadata"]["uid"]}'
        assert claim['spec']['volumeName'] == volume and node in NAMES
        assert nodes.volumes(node)[volume] == size * GI
        persistent = nodes.api.get('persistentvolumes', volume)
        assert persistent['spec']['csi']['volumeHandle'] == volume
        assert persistent['spec']['csi']['volumeAttributes']['pmemType'] == kind
        term = persistent['spec']['nodeAffinity']['required']['nodeSelectorTerms'][0]
        assert term['matchExpressions'] == [
            {'key': csi_nodes.TOPOLOGY_KEY, 'operator': 'In', 'values': [node]}
        ]
        nodes.api.delete('deployments', f'deployment-{kind}', KUBE_NAMESPACE)
    for pod in nodes.api.list('pods', KUBE_NAMESPACE):
        nodes.api.delete('pods', pod['metadata']['name'], KUBE_NAMESPACE, grace_seconds=0)
    nodes.delete('pmem-lvm', 'pmem-direct')


def test_a_burst_fills_the_nodes_without_one_failed_creation(nodes):
    names = [f'burst-{i}' for i in range(12)]
    for i, name in enumerate(names):
        nodes.claim_and_pod(name, '6Gi' if i % 2 else '11Gi', 'pmem-direct' if i % 2 else 'pmem-lvm')
    placed = [nodes.bound(name)[1] for name in names]
    assert all(placed) and nodes.cluster.audit() == []
    logs = [nodes.csi[name].driver_process.output() for name in NAMES]
    assert not [line for log in logs for line in log.splitlines() if 'RESOURCE_EXHAUSTED' in line]
    nodes.delete(*names)


def test_a_foreign_volume_that_nobody_knew_of_sends_the_claim_to_another_node(nodes):
    # Room for it on one node only, as far as the extender knows; then somebody takes that room by hand.
    for name in NAMES[1:]:
        nodes.cluster.agents[name].devices.create('lvm', 'by-hand', 20 * GI)
    nodes.cluster.agents[NAMES[0]].stop()
    nodes.cluster.agents[NAMES[0]].devices.create('lvm', 'by-hand', 20 * GI)
    nodes.claim_and_pod('refused', '8Gi')
    log = nodes.csi[NAMES[0]].driver_process
    waiting.until(
        lambda: 'RESOURCE_EXHAUSTED' in log.output(), 'the driver refuses', PLACE_SECONDS
    )
    nodes.cluster.agents[NAMES[1]].devices.delete('by-hand')
    nodes.cluster.agents[NAMES[0]].start()
    claim, node = nodes.bound('refused')
    assert node == NAMES[1]
    assert claim['metadata']['annotations'][objects.SELECTED_NODE] == node
    for name in (NAMES[0], NAMES[2]):
        nodes.cluster.agents[name].devices.delete('by-hand')
    nodes.delete('refused')


def test_an_immediate_claim_is_provisioned_where_our_controller_puts_it(nodes):
    nodes.api.create(objects.storage_class('now', {'pmemType': 'direct'}, immediate=True))
    nodes.api.create(objects.claim('now', '9Gi', 'now'), KUBE_NAMESPACE)
    claim, node = nodes.bound('now')
    assert claim['metadata']['annotations'][objects.SELECTED_NODE] == node
    nodes.delete('now')


@pytest.mark.skipif(os.geteuid() != 0, reason='needs root, for loop devices and mounts')
def test_a_volume_is_mounted_and_grows_by_the_kubelets_calls(nodes, tmp_path):
    nodes.claim_and_pod('data', '1Gi')
    claim, node = nodes.bound('data')
    volume, staging, target = claim['spec']['volumeName'], tmp_path / 'staging', tmp_path / 'target'
    use = {'volume_id': volume, 'volume_capability': csi_nodes.capability('xfs')}
    call = nodes.csi[node].call
    staging.mkdir()
    for method, more in (
        ('NodeStageVolume', {'staging_target_path': str(staging)}),
        ('NodePublishVolume', {'staging_target_path': str(staging), 'target_path': str(target)}),
    ):
        assert call(f'csi.v1.Node/{method}', {**use, **more})[0] == 'OK'
    try:
        (target / 'data').write_text('kept')
        blocks = os.statvfs(target).f_blocks
        grown = {'spec': {'resources': {'requests': {'storage': '3Gi'}}}}
        nodes.api.merge('persistentvolumeclaims', 'data', grown, KUBE_NAMESPACE)
        answer = call(
            'csi.v1.Node/NodeExpandVolume',
            {
                'volume_id': volume,
                'volume_path': str(target),
                'capacity_range': {'required_bytes': str(3 * GI)},
            },
        )
        assert answer == ('OK', {'capacity_bytes': str(3 * GI)})
        assert nodes.volumes(node)[volume] == 3 * GI
        assert os.statvfs(target).f_blocks > 2.8 * blocks
        assert (target / 'data').read_text() == 'kept'
    finally:
        call('csi.v1.Node/NodeUnpublishVolume', {'volume_id': volume, 'target_path': str(target)})
        call('csi.v1.Node/NodeUnstageVolume', {'volume_id': volume, 'staging_target_path': str(staging)})
    loops = subprocess.run(['losetup', '--list'], capture_output=True, text=True, check=True).stdout
    assert str(nodes.cluster.directory) not in loops
    assert not pathlib.Path(target).exists()
    nodes.delete('data')
