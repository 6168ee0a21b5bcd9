# SPDX-License-Identifier: Apache-2.0
"""What the admission policies let our ServiceAccounts do with objects that their roles let them write, and what not."""

import copy
import functools

import pytest
from harness import cluster as clusters
from harness import control_plane, csi_nodes, kube, objects, processes, waiting

KUBE_NAMESPACE = 'pmem-system'
NAME_LABEL = 'app.kubernetes.io/name'
ROLE_LABEL = 'pmem.csi.alibabacloud.com/role'
PINNED_BY = 'pmem.csi.alibabacloud.com/pinned-by'
FINALIZER = 'external-provisioner.volume.kubernetes.io/finalizer'
NO_EXPANSION = 'volume.kubernetes.io/node-expansion-not-required'
FORBIDDEN = 403


class Plane(control_plane.ControlPlane):
    """Nobody but the tests changes volumes and claims."""

    controllers = ('validatingadmissionpolicy-status-controller',)


class Users:
    """A client for each of those who write."""

    def __init__(self, plane):
        self.plane = plane
        self.admin = plane.admin
        self.extender = plane.service_account_client(KUBE_NAMESPACE, 'pmem-extender')
        self.driver = {
            node: plane.service_account_client(*csi_nodes.ACCOUNT, node) for node in ('n1', 'n2', None)
        }


@pytest.fixture(scope='module')
def users(tmp_path_factory):
    """etcd, API server and controllers with the roles and policies that ship."""
    supervisor = processes.Supervisor(tmp_path_factory.mktemp('policies') / 'logs')
    plane = Plane(tmp_path_factory.mktemp('control-plane'), clusters.BINARIES, supervisor)
    plane.start()
    clusters.install(plane.admin)
    one = Users(plane)
    wait_for_policies(one)
    yield one
    plane.stop()


def wait_for_policies(users):
    """The API server learns of them by a watch: until each refuses something."""
    make_pod(users, 'not-yet', 'somebody')
    make_claim(users, 'not-yet')
    pod = kube.KubeClient.path('pods', KUBE_NAMESPACE, 'not-yet')
    claim = kube.KubeClient.path('persistentvolumeclaims', 'default', 'not-yet')
    changed = users.admin.get('persistentvolumeclaims', 'not-yet', 'default')
    label = {'metadata': {'labels': {'a': 'b'}}}
    changed['metadata'] |= label['metadata']
    for client, *wrong in (
        (users.extender, 'PATCH', pod, label, kube.MERGE_PATCH),
        (users.extender, 'PATCH', claim, label, kube.MERGE_PATCH),
        (users.driver['n1'], 'PUT', claim, changed),
        (users.driver['n1'], 'POST', kube.KubeClient.path('persistentvolumes'), volume('not-yet', 'n2')),
    ):
        waiting.until(functools.partial(is_refused, client, *wrong), f'{wrong[:2]} is refused')


def is_refused(client, *request):
    try:
        client.request(*request, dryRun='All')
    except kube.ApiError as error:
        return error.status == FORBIDDEN
    return False


def is_checked(users, name):
    """Whether the controller that checks types has looked at it."""
    policy = users.admin.get('validatingadmissionpolicies', name)
    return policy.get('status', {}).get('observedGeneration') == policy['metadata']['generation']


def refuses(call, *arguments):
    """The message of a call that is refused."""
    with pytest.raises(kube.ApiError) as refused:
        call(*arguments)
    assert refused.value.status == FORBIDDEN, refused.value
    return str(refused.value)


def make_pod(users, name, app, kube_namespace=KUBE_NAMESPACE):
    users.admin.create(
        objects.pod(name, labels={NAME_LABEL: app, 'other': 'one'}, nodeName='n1'), kube_namespace
    )


def make_claim(users, name, annotations=None, is_bound=False):
    """Only a bound one may grow, and only one that is not may get a volume."""
    claim = objects.claim(name)
    claim['metadata']['annotations'] = annotations or {}
    if is_bound:
        claim['spec']['volumeName'] = f'of-{name}'
    users.admin.create(claim, 'default')
    if is_bound:
        users.admin.merge('persistentvolumeclaims', name, {'status': {'phase': 'Bound'}}, 'default', 'status')


def volume(name, node='n1', **changes):
    """As external-provisioner makes it."""
    affinity = {'key': csi_nodes.TOPOLOGY_KEY, 'operator': 'In', 'values': [node]}
    return {
        'apiVersion': 'v1',
        'kind': 'PersistentVolume',
        'metadata': {'name': name, 'finalizers': [FINALIZER], 'annotations': {objects.PROVISIONED_BY: objects.DRIVER}},
        'spec': {
            'accessModes': ['ReadWriteOnce'],
            'capacity': {'storage': '1Gi'},
            'csi': {'driver': objects.DRIVER, 'volumeHandle': name, 'fsType': 'ext4'},
            'nodeAffinity': {'required': {'nodeSelectorTerms': [{'matchExpressions': [affinity]}]}},
            'persistentVolumeReclaimPolicy': 'Delete',
            'storageClassName': 'pmem-lvm',
            **changes,
        },
    }


def terms(*expressions):
    return {'required': {'nodeSelectorTerms': [{'matchExpressions': [e]} for e in expressions]}}


def test_the_expressions_fit_the_types_of_what_they_look_at(users):
    shipped = [o for o in users.admin.list('validatingadmissionpolicies') if o['metadata']['name'].startswith('pmem-')]
    assert len(shipped) == 4
    for policy in shipped:
        name = policy['metadata']['name']
        waiting.until(functools.partial(is_checked, users, name), f'the types in {name} are checked')
        checked = users.admin.get('validatingadmissionpolicies', name)
        assert checked['status'].get('typeChecking', {}) == {}


def test_the_extender_puts_its_label_on_its_own_pods_and_takes_it_off(users):
    make_pod(users, 'extender-1', 'pmem-extender')
    for value in ('leader', None):
        pod = users.extender.merge('pods', 'extender-1', {'metadata': {'labels': {ROLE_LABEL: value}}}, KUBE_NAMESPACE)
        assert pod['metadata']['labels'].get(ROLE_LABEL) == value


@pytest.mark.parametrize('name, patch', [
    ('image', {'spec': {'containers': [{'name': 'nginx', 'image': 'evil'}]}}),
    ('deadline', {'spec': {'activeDeadlineSeconds': 1}}),
    ('annotation', {'metadata': {'annotations': {'a': 'b'}}}),
    ('new-label', {'metadata': {'labels': {'a': 'b'}}}),
    ('changed-label', {'metadata': {'labels': {'other': 'two'}}}),
    ('lost-label', {'metadata': {'labels': {'other': None}}}),
    ('finalizer', {'metadata': {'finalizers': ['a.b/c']}}),
])
def test_the_extender_changes_nothing_else_of_its_own_pods(users, name, patch):
    make_pod(users, f'extender-{name}', 'pmem-extender')
    said = refuses(users.extender.merge, 'pods', f'extender-{name}', patch, KUBE_NAMESPACE, None, kube.STRATEGIC_PATCH)
    assert 'the extender may change nothing of a pod but its label pmem.csi.alibabacloud.com/role' in said


@pytest.mark.parametrize('app', ['pmem-csi-driver', 'pmem-capacity-agent'])
def test_the_extender_changes_no_pods_of_agents_and_drivers(users, app):
    make_pod(users, app, app)
    for patch in ({'spec': {'containers': [{'name': 'nginx', 'image': 'evil'}]}},
                  {'metadata': {'labels': {ROLE_LABEL: 'leader'}}}, {'metadata': {'labels': {NAME_LABEL: 'pmem-extender'}}}):
        said = refuses(users.extender.merge, 'pods', app, patch, KUBE_NAMESPACE, None, kube.STRATEGIC_PATCH)
        assert 'the extender may change no pods but its own' in said


def test_others_change_pods_as_before(users):
    make_pod(users, 'of-somebody', 'pmem-csi-driver')
    patch = {'spec': {'containers': [{'name': 'nginx', 'image': 'new'}]}, 'metadata': {'labels': {'a': 'b'}}}
    users.admin.merge('pods', 'of-somebody', patch, KUBE_NAMESPACE, content_type=kube.STRATEGIC_PATCH)


def test_the_extender_pins_a_claim_and_takes_the_pin_away(users):
    make_claim(users, 'pinned')
    for node in ('n1', None):
        notes = {objects.SELECTED_NODE: node, PINNED_BY: node}
        claim = users.extender.merge('persistentvolumeclaims', 'pinned', {'metadata': {'annotations': notes}}, 'default')
        assert claim['metadata'].get('annotations', {}).get(objects.SELECTED_NODE) == node


@pytest.mark.parametrize('name, patch', [
    ('size', {'spec': {'resources': {'requests': {'storage': '20Gi'}}}}),
    ('volume', {'spec': {'volumeName': 'another'}}),
    ('annotation', {'metadata': {'annotations': {'pv.kubernetes.io/bind-completed': 'yes'}}}),
    ('label', {'metadata': {'labels': {'a': 'b'}}}),
    ('finalizer', {'metadata': {'finalizers': None}}),
])
def test_the_extender_changes_nothing_else_of_a_claim(users, name, patch):
    make_claim(users, f'extender-{name}', {'a': 'b'}, name == 'size')
    said = refuses(users.extender.merge, 'persistentvolumeclaims', f'extender-{name}', patch, 'default')
    assert 'the extender may change nothing of a claim but its annotations' in said


def test_a_node_makes_volumes_of_its_own_and_deletes_them(users):
    users.driver['n1'].create(volume('own'))
    users.driver['n1'].request('DELETE', kube.KubeClient.path('persistentvolumes', name='own'))
    deleted = users.admin.get('persistentvolumes', 'own')['metadata']
    kept = [f for f in deleted['finalizers'] if f != FINALIZER]
    let_go = users.driver['n1'].merge('persistentvolumes', 'own', {'metadata': {'finalizers': kept}})['metadata']
    assert deleted['deletionTimestamp'] and let_go['finalizers'] == kept == ['kubernetes.io/pv-protection']


OF_N1 = {'key': csi_nodes.TOPOLOGY_KEY, 'operator': 'In', 'values': ['n1']}
HOST_PATH = {'csi': None, 'hostPath': {'path': '/'}}
OF_ANOTHER_DRIVER = {'csi': {'driver': 'other.example.com', 'volumeHandle': 'x'}}
WITH_SECRET = {'csi': {'driver': objects.DRIVER, 'volumeHandle': 'x',
                       'nodeStageSecretRef': {'name': 'admin', 'namespace': 'kube-system'}}}


@pytest.mark.parametrize('name, changes, said', [
    ('other-node', {'nodeAffinity': terms({**OF_N1, 'values': ['n2']})}, 'of its own node alone'),
    ('two-nodes', {'nodeAffinity': terms({**OF_N1, 'values': ['n1', 'n2']})}, 'of its own node alone'),
    ('two-terms', {'nodeAffinity': terms(OF_N1, {**OF_N1, 'values': ['n2']})}, 'of its own node alone'),
    ('not-in', {'nodeAffinity': terms({**OF_N1, 'operator': 'NotIn'})}, 'of its own node alone'),
    ('other-key', {'nodeAffinity': terms({**OF_N1, 'key': 'kubernetes.io/hostname'})}, 'of its own node alone'),
    ('no-node', {'nodeAffinity': None}, 'of its own node alone'),
    ('host-path', HOST_PATH, 'no PersistentVolumes but those of pmem.csi.alibabacloud.com'),
    ('other-driver', OF_ANOTHER_DRIVER, 'no PersistentVolumes but those of pmem.csi.alibabacloud.com'),
    ('secret', WITH_SECRET, 'no PersistentVolume that names a Secret'),
])
def test_a_node_makes_no_other_volumes(users, name, changes, said):
    assert said in refuses(users.driver['n1'].create, volume(f'made-{name}', **changes))


@pytest.mark.parametrize('name, changes, said', [
    ('other-node', {'nodeAffinity': terms({**OF_N1, 'values': ['n2']})}, 'of its own node alone'),
    ('no-node', {'nodeAffinity': None}, 'of its own node alone'),
    ('host-path', HOST_PATH, 'no PersistentVolumes but those of pmem.csi.alibabacloud.com'),
])
def test_a_node_deletes_no_other_volumes(users, name, changes, said):
    users.admin.create(volume(f'kept-{name}', **changes))
    path = kube.KubeClient.path('persistentvolumes', name=f'kept-{name}')
    assert said in refuses(users.driver['n1'].request, 'DELETE', path)


def test_a_token_that_names_no_node_makes_and_deletes_no_volumes(users):
    assert 'this one names no node' in refuses(users.driver[None].create, volume('by-nobody'))
    users.admin.create(volume('for-nobody'))
    path = kube.KubeClient.path('persistentvolumes', name='for-nobody')
    assert 'this one names no node' in refuses(users.driver[None].request, 'DELETE', path)


def test_the_resizer_of_any_node_says_how_large_a_volume_is(users):
    users.admin.create(volume('grown'))
    grown = users.driver['n2'].merge('persistentvolumes', 'grown', {'spec': {'capacity': {'storage': '2Gi'}}})
    assert grown['spec']['capacity'] == {'storage': '2Gi'}


@pytest.mark.parametrize('name, patch', [
    ('policy', {'spec': {'persistentVolumeReclaimPolicy': 'Retain'}}),
    ('claim', {'spec': {'claimRef': {'namespace': 'default', 'name': 'another'}}}),
    ('class', {'spec': {'storageClassName': 'another'}}),
    ('options', {'spec': {'mountOptions': ['suid']}}),
    ('label', {'metadata': {'labels': {'a': 'b'}}}),
    ('annotation', {'metadata': {'annotations': {'a': 'b'}}}),
    ('finalizer', {'metadata': {'finalizers': ['a.b/c']}}),
])
def test_a_node_changes_nothing_else_of_a_volume_not_even_of_its_own(users, name, patch):
    users.admin.create(volume(f'changed-{name}'))
    said = refuses(users.driver['n1'].merge, 'persistentvolumes', f'changed-{name}', patch)
    assert 'nothing of a PersistentVolume but its capacity and the finalizer' in said


def test_a_node_changes_no_volume_of_another_driver(users):
    users.admin.create(volume('others', **OF_ANOTHER_DRIVER))
    patch = {'spec': {'capacity': {'storage': '2Gi'}}}
    said = refuses(users.driver['n1'].merge, 'persistentvolumes', 'others', patch)
    assert 'no PersistentVolumes but those of pmem.csi.alibabacloud.com' in said


def updated(users, name, change):
    """The arguments of a PUT of that claim with a change, as external-provisioner sends it."""
    claim = copy.deepcopy(users.admin.get('persistentvolumeclaims', name, 'default'))
    change(claim)
    return 'PUT', kube.KubeClient.path('persistentvolumeclaims', 'default', name), claim


def unpin(claim):
    del claim['metadata']['annotations'][objects.SELECTED_NODE]


def test_a_node_gives_a_claim_back_that_was_sent_to_it(users):
    make_claim(users, 'sent', {objects.SELECTED_NODE: 'n1', 'a': 'b'})
    claim = users.driver['n1'].request(*updated(users, 'sent', unpin))
    assert claim['metadata']['annotations'] == {'a': 'b'}


@pytest.mark.parametrize('node', ['n2', None])
def test_nobody_gives_back_a_claim_of_another_node(users, node):
    make_claim(users, f'sent-away-from-{node}'.lower(), {objects.SELECTED_NODE: 'n1'})
    said = refuses(users.driver[node].request, *updated(users, f'sent-away-from-{node}'.lower(), unpin))
    assert 'selected-node away where it names its own node' in said


@pytest.mark.parametrize('before, after', [({}, 'n1'), ({objects.SELECTED_NODE: 'n1'}, 'n2')])
def test_a_node_sends_no_claim_anywhere(users, before, after):
    name = f'to-{after}'
    make_claim(users, name, before)

    def pin(claim):
        claim['metadata'].setdefault('annotations', {})[objects.SELECTED_NODE] = after

    assert 'and may not set it' in refuses(users.driver['n1'].request, *updated(users, name, pin))


@pytest.mark.parametrize('name, change', [
    ('size', lambda c: c['spec']['resources']['requests'].update(storage='20Gi')),
    ('volume', lambda c: c['spec'].update(volumeName='another')),
    ('annotation', lambda c: c['metadata']['annotations'].update({'pv.kubernetes.io/bind-completed': 'yes'})),
    ('label', lambda c: c['metadata'].update(labels={'a': 'b'})),
    ('finalizer', lambda c: c['metadata'].update(finalizers=[])),
])
def test_a_node_changes_nothing_else_of_a_claim(users, name, change):
    make_claim(users, f'driver-{name}', {objects.SELECTED_NODE: 'n1'}, name == 'size')
    said = refuses(users.driver['n1'].request, *updated(users, f'driver-{name}', change))
    assert 'the driver may change nothing of a claim but its status' in said


def patch_status(users, name, patch):
    return users.driver['n2'].merge('persistentvolumeclaims', name, patch, 'default', 'status', kube.STRATEGIC_PATCH)


def test_the_resizer_of_any_node_says_how_far_a_claim_has_grown(users):
    make_claim(users, 'growing', {objects.SELECTED_NODE: 'n1'})
    status = {'allocatedResources': {'storage': '20Gi'}, 'allocatedResourceStatuses': {'storage': 'NodeResizePending'}}
    for note in ('true', None):
        claim = patch_status(users, 'growing', {'metadata': {'annotations': {NO_EXPANSION: note}}, 'status': status})
        assert claim['status']['allocatedResourceStatuses'] == {'storage': 'NodeResizePending'}
        assert claim['metadata']['annotations'].get(NO_EXPANSION) == note


@pytest.mark.parametrize('name, patch', [
    ('phase', {'status': {'phase': 'Lost'}}),
    ('unpin', {'metadata': {'annotations': {objects.SELECTED_NODE: None}}}),
    ('annotation', {'metadata': {'annotations': {'a': 'b'}}}),
])
def test_with_a_claims_status_nothing_else_is_written(users, name, patch):
    make_claim(users, f'status-{name}', {objects.SELECTED_NODE: 'n2'})
    said = refuses(patch_status, users, f'status-{name}', patch)
    assert 'the driver may change nothing of a claim but its status (not the phase)' in said
