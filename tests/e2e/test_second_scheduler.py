# SPDX-License-Identifier: Apache-2.0
"""manifests/components/second-scheduler: a kube-scheduler of our own beside the control plane's."""
import http.client
import re

import pytest
import yaml

from harness import cluster as clusters, control_plane, processes, waiting
from scene import lvm
from shipped import control_plane_version

COMPONENT = clusters.MANIFESTS / 'components' / 'second-scheduler'
ACCOUNT = ('pmem-system', 'pmem-kube-scheduler')
ROLES = ('ServiceAccount', 'ClusterRoleBinding', 'Role', 'RoleBinding')


def component():
    """Its objects, without what the kustomization does, which is nothing."""
    return [obj for path in sorted(COMPONENT.glob('scheduler*.yaml'))
            for obj in yaml.safe_load_all(path.read_text())]


def find(kind):
    return next(o for o in component() if o['kind'] == kind)


def container():
    return find('Deployment')['spec']['template']['spec']['containers'][0]


def second_config():
    return yaml.safe_load(find('ConfigMap')['data']['config.yaml'])


def test_its_configuration_is_the_shipped_one_but_for_what_it_says():
    shipped = yaml.safe_load(control_plane.SCHEDULER_CONFIG.read_text())
    del shipped['clientConnection']
    service = next(o for o in yaml.safe_load_all((clusters.MANIFESTS / 'base' / 'extender.yaml').read_text())
                   if o['kind'] == 'Service')
    where = f'{service["metadata"]["name"]}.{service["metadata"]["namespace"]}.svc:{service["spec"]["ports"][0]["port"]}'
    assert second_config() == {
        **shipped,
        'profiles': [{'schedulerName': 'pmem-scheduler'}],
        'leaderElection': {'leaderElect': True, 'resourceNamespace': ACCOUNT[0], 'resourceName': ACCOUNT[1]},
        'extenders': [{**shipped['extenders'][0], 'urlPrefix': f'http://{where}/scheduler', 'ignorable': False}],
    }


def test_it_reads_the_configuration_that_is_mounted():
    mount = container()['volumeMounts'][0]
    volume = find('Deployment')['spec']['template']['spec']['volumes'][0]
    assert (volume['name'], volume['configMap']['name']) == (mount['name'], find('ConfigMap')['metadata']['name'])
    assert container()['args'] == [f'--config={mount["mountPath"]}/config.yaml']
    assert list(find('ConfigMap')['data']) == ['config.yaml']


def test_its_image_is_of_the_version_that_is_tested():
    assert container()['image'] == f'localhost/kube-scheduler:{control_plane_version()}'


class SecondScheduler:
    """Replicas of it as processes, under the component's roles, with its configuration.

    Only where things are differs from a pod: credentials in a kubeconfig, the extender and its own port on loopback.
    """

    def __init__(self, cluster):
        self.cluster = cluster
        for obj in component():
            if obj['kind'] in ROLES:
                cluster.api.create(obj)
        self.plane = cluster.control_plane
        self.kubeconfig = self.plane.service_account_kubeconfig(*ACCOUNT)

    def start(self, name):
        """The process, once it answers its probes."""
        return control_plane.retry(lambda: self._start_on(name, processes.free_port()))

    def _start_on(self, name, port):
        config = second_config()
        config['clientConnection'] = {'kubeconfig': str(self.kubeconfig)}
        config['extenders'][0]['urlPrefix'] = f'{self.cluster.extender_url}/scheduler'
        path = self.plane.directory / f'{name}.yaml'
        path.write_text(yaml.safe_dump(config))
        process = self.cluster.supervisor.start(name, [
            clusters.BINARIES / 'kube-scheduler', f'--config={path}', '--bind-address=127.0.0.1',
            f'--secure-port={port}', f'--authentication-kubeconfig={self.kubeconfig}',
            f'--authorization-kubeconfig={self.kubeconfig}'])
        # As a kubelet asks: without credentials.
        for path in (container()[f'{kind}Probe']['httpGet']['path'] for kind in ('liveness', 'readiness')):
            waiting.until(lambda path=path: control_plane.answers(process, f'127.0.0.1:{port}', path, insecure=True),
                          f'{path} on port {port} answers 200')
        return process


@pytest.fixture(scope='module')
def replicas(cluster):
    """Two of it, both ready."""
    second = SecondScheduler(cluster)
    started = [second.start(f'second-{i}') for i in range(2)]
    yield started
    for process in started:
        process.stop()


def decisions(scene, outcome):
    """How many pods the extender has answered so."""
    connection = http.client.HTTPConnection(scene.cluster.extender_address, timeout=10)
    connection.request('GET', '/metrics')
    text = connection.getresponse().read().decode()
    connection.close()
    return int(re.search(rf'pod_decisions_total{{outcome="{outcome}"}} (\d+)', text)[1])


def who_placed(scene, pod_name):
    """The scheduler that says so in an Event on the pod."""

    def scheduled():
        return [e['reportingComponent'] for e in scene.api.list('events', scene.kube_namespace)
                if e['involvedObject']['name'] == pod_name and e['reason'] == 'Scheduled']

    return waiting.until(scheduled, f'an Event says who placed {pod_name}')[0]


def test_a_pod_that_names_it_is_placed_through_the_extender(replicas, scene):
    node = scene.add_node(lvm(10))
    before = decisions(scene, 'fit')
    scene.claim_and_pod('first', '10Gi', schedulerName='pmem-scheduler')
    assert scene.wait_scheduled('first') == node
    assert scene.wait_bound('first') == node
    assert who_placed(scene, 'first') == 'pmem-scheduler'
    assert decisions(scene, 'fit') > before
    scene.claim_and_pod('one-too-many', '10Gi', schedulerName='pmem-scheduler')
    scene.wait_refused('one-too-many')


def test_a_pod_that_does_not_is_left_to_the_default_one(replicas, scene):
    node = scene.add_node(lvm(10))
    scene.claim_and_pod('plain')
    assert scene.wait_scheduled('plain') == node
    assert who_placed(scene, 'plain') == 'default-scheduler'


def test_one_of_them_leads_and_none_is_refused_anything(replicas, scene):
    lease = scene.api.get('leases', 'pmem-kube-scheduler', 'pmem-system')
    assert lease['spec']['holderIdentity']
    for process in replicas:
        assert process.exit_code() is None
        assert [line for line in process.output().splitlines() if 'forbidden' in line.lower()] == []
