# SPDX-License-Identifier: Apache-2.0
"""The product page's examples and every ordinary way to ask for a volume: no node named by anybody.

The volumes are made by the real driver, as the real external-provisioner asks.
"""

import pytest
import yaml

from harness import cluster as clusters
from harness import csi_nodes, objects, waiting
from scene import GI, both, direct, lvm


@pytest.fixture
def scene(real_scene):
    return real_scene


@pytest.mark.parametrize('kind,size', [('lvm', 10), ('direct', 9)])
def test_example_of_the_product_page_lands_on_the_node_with_room(scene, kind, size):
    roomy = scene.add_node({'lvm': lvm, 'direct': direct}[kind](12))
    scene.add_node({'lvm': lvm, 'direct': direct}[kind](8))
    scene.add_node({'lvm': direct, 'direct': lvm}[kind](64))
    for obj in yaml.safe_load_all((clusters.MANIFESTS / 'examples' / f'{kind}.yaml').read_text()):
        scene.create(obj)
    placed = scene.wait_all_scheduled(1)
    assert set(placed.values()) == {roomy}
    assert scene.wait_bound(f'pmem-{kind}') == roomy
    claim = scene.get_claim(f'pmem-{kind}')
    volume = f'disk-{claim["metadata"]["uid"]}'
    assert claim['spec']['volumeName'] == volume
    assert claim['metadata']['annotations'][objects.SELECTED_NODE] == roomy
    assert claim['status']['capacity']['storage'] == f'{size}Gi'
    assert scene.free(roomy, kind) == (12 - size) * GI
    persistent = scene.api.get('persistentvolumes', volume)['spec']
    assert persistent['csi']['volumeHandle'] == volume
    assert persistent['csi']['volumeAttributes']['pmemType'] == kind
    term = persistent['nodeAffinity']['required']['nodeSelectorTerms'][0]
    here = {'key': csi_nodes.TOPOLOGY_KEY, 'operator': 'In', 'values': [roomy]}
    assert term['matchExpressions'] == [here]
    assert scene.failed_creations() == []
    scene.api.delete('deployments', f'deployment-{kind}', scene.kube_namespace)
    for pod in placed:
        scene.delete_pod(pod)
    scene.delete_claim(f'pmem-{kind}')
    waiting.until(lambda: not scene.volume_names(roomy), 'the volume is reclaimed')


@pytest.mark.parametrize('manifest', ['agent.yaml', 'csi_driver_daemonset.yaml'])
def test_daemons_run_on_the_nodes_with_either_label_key_and_on_no_others(scene, manifest):
    """The shipped DaemonSets on the real controller and scheduler. /type wins, also when it says none."""
    labels = {
        'new': {objects.TYPE_LABEL: 'lvm'},
        'old': {objects.TYPE_LABEL_OLD: 'direct'},
        'both': {objects.TYPE_LABEL: 'lvm', objects.TYPE_LABEL_OLD: 'none'},
        'none': {},
        'said none': {objects.TYPE_LABEL: 'none'},
        'none wins': {objects.TYPE_LABEL: 'none', objects.TYPE_LABEL_OLD: 'lvm'},
    }
    nodes = {scene.add_node(lvm(12), labels=of_node): key for key, of_node in labels.items()}
    every = yaml.safe_load_all((clusters.MANIFESTS / 'base' / manifest).read_text())
    daemons = next(obj for obj in every if obj['kind'] == 'DaemonSet')
    selector = f'app.kubernetes.io/name={daemons["metadata"]["name"]}'

    def running():
        pods = scene.api.list('pods', 'pmem-system', labelSelector=selector)
        return sorted(nodes[p['spec']['nodeName']] for p in pods if p['spec'].get('nodeName'))

    scene.api.create(daemons)
    try:
        waiting.until(lambda: running() == ['both', 'new', 'old'], 'one on each labelled node')
        newest = next(name for name, key in nodes.items() if key == 'new')
        scene.api.merge('nodes', newest, {'metadata': {'labels': {objects.TYPE_LABEL: None}}})
        waiting.until(lambda: running() == ['both', 'old'], 'it leaves with the label')
    finally:
        scene.api.delete('daemonsets', daemons['metadata']['name'], 'pmem-system')
        waiting.until(lambda: not scene.api.list('pods', 'pmem-system', labelSelector=selector), 'they are gone')


def test_class_without_parameters_is_known_by_its_name(scene):
    """The shipped classes carry parameters; an older cluster's have only their names."""
    api = scene.api
    shipped = api.get('storageclasses', 'pmem-direct')
    api.delete('storageclasses', 'pmem-direct')
    try:
        api.create(objects.storage_class('pmem-direct'))
        scene.add_node(lvm(64))
        node = scene.add_node(direct(12))
        scene.claim_and_pod('data', '9Gi', 'pmem-direct')
        assert scene.wait_scheduled('data') == node
        assert scene.wait_bound('data') == node
    finally:
        api.delete('storageclasses', 'pmem-direct')
        api.create(
            {k: v for k, v in shipped.items() if k != 'metadata'}
            | {'metadata': {'name': 'pmem-direct'}}
        )


def test_class_of_any_name_asks_by_its_parameter(scene):
    scene.add_node(direct(64))
    node = scene.add_node(lvm(12))
    scene.claim_and_pod('data', class_name=scene.storage_class('fast', {'pmemType': 'lvm'}))
    assert scene.wait_scheduled('data') == node


def test_generic_ephemeral_volume_lands_on_the_node_with_room(scene):
    scene.add_node(lvm(8))
    node = scene.add_node(lvm(12))
    scene.pod('worker', volumes=[objects.ephemeral_volume('scratch')])
    assert scene.wait_scheduled('worker') == node
    assert scene.wait_bound('worker-scratch') == node


def test_pod_with_an_lvm_and_a_direct_claim_needs_one_node_with_both(scene):
    scene.add_nodes(lvm(64), direct(64), both(8, 64), both(64, 8))
    node = scene.add_node(both(12, 12))
    scene.claim('fast', '10Gi', 'pmem-direct')
    scene.claim('bulk', '10Gi', 'pmem-lvm')
    scene.pod('database', 'fast', 'bulk')
    assert scene.wait_scheduled('database') == node
    assert {scene.wait_bound('fast'), scene.wait_bound('bulk')} == {node}


def test_two_claims_of_one_pod_are_added_up(scene):
    """Each alone fits everywhere; both together only on one node."""
    scene.add_nodes(lvm(12), lvm(19))
    node = scene.add_node(lvm(20))
    scene.claim('one')
    scene.claim('two')
    scene.pod('database', 'one', 'two')
    assert scene.wait_scheduled('database') == node
    assert scene.failed_creations() == []


def test_direct_claim_needs_contiguous_room(scene):
    """16 GiB free in two halves is no room for 9 GiB."""
    halves = direct(24)
    halves['regions'][0]['namespaces'] = [
        {'name': 'made-by-hand', 'offset_bytes': 8 << 30, 'size_bytes': 8 << 30, 'mode': 'fsdax'}
    ]
    scene.add_node(halves)
    node = scene.add_node(direct(9))
    scene.claim_and_pod('data', '9Gi', 'pmem-direct')
    assert scene.wait_scheduled('data') == node


def test_stateful_set_with_two_claim_templates_and_three_replicas(scene):
    """Every node holds exactly one replica's pair of claims."""
    nodes = scene.add_nodes(both(10, 10), both(10, 10), both(10, 10))
    scene.create(
        objects.stateful_set('db', 3, {'log': ('9Gi', 'pmem-direct'), 'data': ('10Gi', 'pmem-lvm')})
    )
    placed = scene.wait_all_scheduled(3, seconds=40)
    assert sorted(placed.values()) == sorted(nodes)
    for replica, node in placed.items():
        assert {scene.wait_bound(f'log-{replica}'), scene.wait_bound(f'data-{replica}')} == {node}
    assert scene.failed_creations() == []


def test_pre_provisioned_volume_is_used_though_its_node_is_full(scene):
    full = scene.add_node(lvm(8))
    scene.api.create(
        objects.persistent_volume(
            f'{scene.kube_namespace}-old',
            full,
            '10Gi',
            'pmem-lvm',
            claim_ref={'namespace': scene.kube_namespace, 'name': 'data'},
        )
    )
    try:
        scene.claim_and_pod('data')
        assert scene.wait_scheduled('data') == full
        assert scene.get_claim('data')['spec']['volumeName'] == f'{scene.kube_namespace}-old'
    finally:
        scene.delete_pod('data')
        scene.api.delete('persistentvolumes', f'{scene.kube_namespace}-old')


def test_available_volume_is_used_though_its_node_is_full(scene):
    """No claim is named in it: the scheduler matches it, and we must not ask for new room."""
    full = scene.add_node(lvm(8))
    scene.api.create(objects.persistent_volume(f'{scene.kube_namespace}-free', full))
    try:
        scene.claim_and_pod('data')
        assert scene.wait_scheduled('data') == full
        assert scene.get_claim('data')['spec']['volumeName'] == f'{scene.kube_namespace}-free'
    finally:
        scene.delete_pod('data')
        scene.api.delete('persistentvolumes', f'{scene.kube_namespace}-free')


def test_pod_without_pmem_claims_is_not_our_business(scene):
    scene.add_node(lvm(8))
    scene.pod('plain')
    assert scene.wait_scheduled('plain') in scene.nodes
