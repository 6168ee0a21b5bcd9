# SPDX-License-Identifier: Apache-2.0
"""What the pages tell operators to write into an overlay of their own does what they say."""
import re
import shutil

import pytest
import yaml

from harness import cluster, control_plane, processes, waiting
from shipped import MANIFESTS, find, kubectl, render

PODS = (('Deployment', 'pmem-extender'), ('Deployment', 'pmem-kube-scheduler'), ('DaemonSet', 'pmem-capacity-agent'),
        ('DaemonSet', 'pmem-csi-driver'))


def told(page):
    """The blocks of YAML of a page, in order."""
    return [yaml.safe_load(text) for text in re.findall(r'```yaml\n(.*?)```', page.read_text(), re.DOTALL)]


@pytest.fixture
def render_own(tmp_path):
    """render_own(kustomization) -> objects, of an overlay beside the shipped ones."""
    shutil.copytree(MANIFESTS, tmp_path / 'manifests', symlinks=True)
    own = tmp_path / 'manifests' / 'overlays' / 'own'
    own.mkdir()

    def rendered(kustomization):
        (own / 'kustomization.yaml').write_text(yaml.safe_dump(kustomization))
        return render(own)[1]

    return rendered


def test_an_overlay_of_ones_own_names_registry_secret_processors_and_taints(render_own):
    overlay, patches, _ = told(MANIFESTS / 'README.md')
    overlay['components'].append('../../components/second-scheduler')
    rendered = render_own({**overlay, **patches})
    pods = {name: find(rendered, kind, name)['spec']['template']['spec'] for kind, name in PODS}
    images = {c['image'].partition('/')[0] for pod in pods.values() for c in pod.get('initContainers', []) + pod['containers']
              if 'kube-scheduler' not in c['image']}
    assert images == {'REGISTRY'}
    assert [pod['imagePullSecrets'] for pod in pods.values()] == [[{'name': 'SECRET'}]] * len(PODS)
    for name in ('pmem-extender', 'pmem-kube-scheduler'):
        assert pods[name]['nodeSelector'] == {'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64'}
        assert pods[name]['tolerations'][-1] == {'key': 'TAINT', 'operator': 'Exists'}


class FrugalPlane(control_plane.ControlPlane):
    """It lets pods have the critical priority classes only where a ResourceQuota names them."""

    controllers = (*control_plane.CONTROLLERS, 'resourcequota-controller')

    def api_server_command(self, port):
        scope = {'scopeName': 'PriorityClass', 'operator': 'In', 'values': ['system-node-critical', 'system-cluster-critical']}
        limited = {'apiVersion': 'apiserver.config.k8s.io/v1', 'kind': 'ResourceQuotaConfiguration',
                   'limitedResources': [{'resource': 'pods', 'matchScopes': [scope]}]}
        path = self.directory / 'admission.yaml'
        path.write_text(yaml.safe_dump({'apiVersion': 'apiserver.config.k8s.io/v1', 'kind': 'AdmissionConfiguration',
                                        'plugins': [{'name': 'ResourceQuota', 'configuration': limited}]}))
        return [*super().api_server_command(port), f'--admission-control-config-file={path}']


@pytest.fixture
def frugal(tmp_path):
    supervisor = processes.Supervisor(tmp_path / 'logs')
    plane = FrugalPlane(tmp_path / 'control-plane', cluster.BINARIES, supervisor)
    plane.start()
    yield plane
    plane.stop()


def test_the_quota_lets_our_pods_have_their_priority_where_that_is_rationed(frugal):
    kubectl(frugal, 'apply', '-k', MANIFESTS / 'overlays' / 'release')

    def said():
        """Of the pods that its controller could not make."""
        return str([r['status'] for r in frugal.admin.request('GET', '/apis/apps/v1/namespaces/pmem-system/replicasets')['items']])

    waiting.until(said, 'the pods are refused', accepts=lambda text: 'insufficient quota to match these scopes' in text)
    kubectl(frugal, 'apply', '--server-side', '--validate=strict', '-f', '-', stdin=yaml.safe_dump(told(MANIFESTS / 'README.md')[-1]))
    waiting.until(lambda: len(frugal.admin.list('pods', 'pmem-system')) == 2, 'both extenders have their pods', 60)


def test_an_overlay_that_keeps_another_driver_leaves_out_ours_and_nothing_else(render_own):
    patches = told(MANIFESTS.parent / 'docs' / 'operations.md')[0]
    shipped = {(o['kind'], o['metadata']['name']) for o in render_own({'resources': ['../release']})}
    kept = {(o['kind'], o['metadata']['name']) for o in render_own({'resources': ['../release'], **patches})}
    assert shipped - kept == {('DaemonSet', 'pmem-csi-driver'), ('CSIDriver', 'pmem.csi.alibabacloud.com'),
                              ('StorageClass', 'pmem-lvm'), ('StorageClass', 'pmem-direct')}
