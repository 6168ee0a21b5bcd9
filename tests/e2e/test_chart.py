# SPDX-License-Identifier: Apache-2.0
"""The Helm chart renders what manifests/ has, what its values say, and is accepted by the real API server."""
import subprocess

import pytest
import yaml

from harness import cluster, objects
from shipped import MANIFESTS, control_plane_version, find, kubectl, only, render, render_with

CHART = MANIFESTS / 'helm'


def helm(*arguments, kubeconfig='/nowhere'):
    """(exit status, stdout, stderr) of helm, which is told which Kubernetes there is."""
    done = subprocess.run([cluster.BINARIES / 'helm', f'--kubeconfig={kubeconfig}', *map(str, arguments)],
                          capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def render_chart(*values, kube_namespace='pmem-system', chart=CHART):
    """(text, objects) of the chart with these values."""
    settings = [word for value in values for word in ('--set', value)]
    status, text, errors = helm('template', 'pmem', chart, '-n', kube_namespace,
                                f'--kube-version={control_plane_version()}', *settings)
    assert status == 0, errors
    return text, [o for o in yaml.safe_load_all(text) if o]


def by_name(rendered):
    """{(kind, name): object}; none is there twice."""
    found = {(o['kind'], o['metadata']['name']): o for o in rendered}
    assert len(found) == len(rendered)
    return found


@pytest.mark.parametrize('overlay, values', [('release', ()), ('test', ('devices=simulated',))])
def test_the_chart_renders_what_the_overlay_does(overlay, values):
    text, rendered = render_chart('kubeNamespace.create=true', *values)
    assert by_name(rendered) == by_name(render(MANIFESTS / 'overlays' / overlay)[1])


@pytest.mark.parametrize('component, values', [
    ('monitoring', ['monitoring.enabled=true']), ('second-scheduler', ['secondScheduler.enabled=true']),
    ('admission-policy', ['admissionPolicy.enabled=true']),
    ('scrape', ['scrape.enabled=true']),
    ('network-policy', ['networkPolicy.enabled=true', 'networkPolicy.controlPlaneCidrs={192.0.2.0/24}'])])
def test_the_chart_renders_what_a_component_adds(tmp_path, component, values):
    (tmp_path / 'both').mkdir()
    expected = by_name(render_with(component, tmp_path / 'both')[1])
    assert by_name(render_chart('kubeNamespace.create=true', 'admissionPolicy.enabled=false', *values)[1]) == expected


def test_the_charts_network_policies_let_in_whom_the_values_name():
    rendered = render_chart('networkPolicy.enabled=true', 'networkPolicy.monitoringKubeNamespace=watch',
                            r'networkPolicy.monitoringPodLabels.app\.kubernetes\.io/name=null',
                            'networkPolicy.monitoringPodLabels.app=watcher',
                            'networkPolicy.controlPlaneCidrs={10.0.0.1/32,10.0.0.2/32}')[1]
    peers = {o['metadata']['name']: only(o['spec']['ingress'])['from'] for o in rendered if o['kind'] == 'NetworkPolicy'}
    pods_of = {name: {'podSelector': {'matchLabels': {'app.kubernetes.io/name': name}}} for name in peers}
    watch = {'namespaceSelector': {'matchLabels': {'kubernetes.io/metadata.name': 'watch'}},
             'podSelector': {'matchLabels': {'app': 'watcher'}}}
    assert peers == {
        'pmem-extender': [{'ipBlock': {'cidr': '10.0.0.1/32'}}, {'ipBlock': {'cidr': '10.0.0.2/32'}},
                          pods_of['pmem-kube-scheduler'], watch],
        'pmem-capacity-agent': [pods_of['pmem-extender'], watch],
        'pmem-csi-driver': [watch], 'pmem-kube-scheduler': [watch]}


def test_what_the_operator_reads_has_the_labels_that_the_values_name():
    rendered = render_chart('monitoring.enabled=true', 'monitoring.labels.release=prometheus')[1]
    labelled = [o['kind'] for o in rendered if o['metadata'].get('labels', {}).get('release') == 'prometheus']
    assert sorted(labelled) == ['PodMonitor'] * 3 + ['PrometheusRule']


def test_the_charts_scrape_configuration_is_for_the_prometheus_that_the_values_name():
    rendered = render_chart('scrape.enabled=true', 'scrape.kubeNamespace=watch', 'scrape.serviceAccount=server',
                            kube_namespace='elsewhere')[1]
    bound = find(rendered, 'RoleBinding', 'pmem-scrape')
    assert bound['metadata']['namespace'] == 'elsewhere'
    assert only(bound['subjects']) == {'kind': 'ServiceAccount', 'name': 'server', 'namespace': 'watch'}
    config = find(rendered, 'ConfigMap', 'pmem-scrape')
    assert config['metadata']['namespace'] == 'watch'
    job = only(yaml.safe_load(config['data']['scrape_configs.yaml'])['scrape_configs'])
    assert only(job['kubernetes_sd_configs'])['namespaces'] == {'names': ['elsewhere']}


def test_the_chart_changes_what_its_values_name_and_nothing_else():
    before = by_name(render_chart()[1])
    after = by_name(render_chart('registry=r.example/pmem', 'containers.extender.flags.score=spread',
                                 'containers.extender.image=own:1', 'extender.replicas=3',
                                 'init.nodes.n1.lvm_percent=40', 'storageClasses.create=false')[1])
    assert {name for name in before if name not in after} == {
        ('StorageClass', 'pmem-lvm'), ('StorageClass', 'pmem-direct')}
    assert {name for name in after if after[name] != before[name]} == {
        ('Deployment', 'pmem-extender'), ('DaemonSet', 'pmem-csi-driver'),
        ('DaemonSet', 'pmem-capacity-agent'), ('ConfigMap', 'pmem-init')}
    extender = after['Deployment', 'pmem-extender']['spec']
    container = only(extender['template']['spec']['containers'])
    assert (extender['replicas'], container['image']) == (3, 'r.example/pmem/own:1')
    was = only(before['Deployment', 'pmem-extender']['spec']['template']['spec']['containers'])['args']
    assert set(container['args']) ^ set(was) == {'--score=binpack', '--score=spread'}
    assert after['ConfigMap', 'pmem-init']['data'] == {'init.json': '{"nodes":{"n1":{"lvm_percent":40}}}'}


def test_every_pod_of_the_chart_has_the_secrets_that_its_images_are_fetched_with():
    rendered = render_chart('secondScheduler.enabled=true', 'imagePullSecrets[0].name=registry')[1]
    pods = {o['metadata']['name']: o['spec']['template']['spec'] for o in rendered if o['kind'] in ('Deployment', 'DaemonSet')}
    assert {name: pod.get('imagePullSecrets') for name, pod in pods.items()} == dict.fromkeys(
        ('pmem-extender', 'pmem-capacity-agent', 'pmem-csi-driver', 'pmem-kube-scheduler'), [{'name': 'registry'}])


@pytest.mark.parametrize('values, name', [('extender', 'pmem-extender'), ('secondScheduler', 'pmem-kube-scheduler')])
def test_the_chart_puts_a_deployment_on_the_nodes_that_the_values_name(values, name):
    before, after = (find(render_chart('secondScheduler.enabled=true', *more)[1], 'Deployment', name)['spec']['template']['spec']
                     for more in ((), (rf'{values}.nodeSelector.kubernetes\.io/arch=amd64', f'{values}.tolerations[0].key=pmem')))
    assert after['nodeSelector'] == {'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64'}
    assert after['tolerations'] == [*before['tolerations'], {'key': 'pmem'}]
    assert {key for key in after if after[key] != before[key]} == {'nodeSelector', 'tolerations'}


@pytest.mark.parametrize('replicas', [1, 2])
def test_a_node_with_an_extender_can_be_drained(replicas):
    rendered = render_chart(f'extender.replicas={replicas}')[1]
    budget = find(rendered, 'PodDisruptionBudget', 'pmem-extender')['spec']
    assert budget == {'maxUnavailable': 1, 'selector': find(rendered, 'Deployment', 'pmem-extender')['spec']['selector']}


@pytest.mark.parametrize('value', ['devices=fake', 'containers.extenders.image=own:1', 'init.nodes.n1.percent=4',
                                   'extender.replicas=0', 'replicas=3', 'networkPolicy.enabled=true', 'scrape.serviceAccount=',
                                   'networkPolicy.controlPlaneCidrs={10.0.0.1}', 'imagePullSecrets={registry}'])
def test_the_chart_refuses_values_that_it_cannot_render(value):
    status, _, errors = helm('template', 'pmem', CHART, f'--kube-version={control_plane_version()}', '--set', value)
    assert status != 0 and "don't meet the specifications of the schema" in errors


def test_the_chart_passes_helms_lint_and_is_the_same_as_a_package(tmp_path):
    version = f'--kube-version={control_plane_version()}'
    status, said, errors = helm('lint', '--strict', CHART, version)
    assert status == 0 and '1 chart(s) linted, 0 chart(s) failed' in said + errors
    assert helm('package', CHART, '-d', tmp_path)[0] == 0
    assert render_chart(chart=only(list(tmp_path.glob('*.tgz')))) == render_chart()


def test_the_chart_lives_in_any_kube_namespace(kubernetes):
    text, rendered = render_chart('kubeNamespace.create=true', kube_namespace='elsewhere')
    assert 'pmem-system' not in text
    said = kubectl(kubernetes, 'apply', '--server-side', '--force-conflicts', '--validate=strict',
                   '--dry-run=server', '-f', '-', stdin='\n---\n'.join(
                       yaml.safe_dump(o) for o in rendered if 'namespace' not in o['metadata']))
    assert len(said.splitlines()) == len([o for o in rendered if 'namespace' not in o['metadata']])


def test_helm_installs_the_chart_with_strict_validation(kubernetes):
    text, rendered = render_chart()
    said = kubectl(kubernetes, 'apply', '--server-side', '--force-conflicts', '--validate=strict',
                   '-f', '-', stdin=text)
    assert len(said.splitlines()) == len(rendered)
    # What the other tests have applied is taken over.
    status, said, errors = helm('install', 'pmem', CHART, '-n', 'pmem-system', '--take-ownership',
                                kubeconfig=kubernetes.kubeconfig)
    assert status == 0, errors
    assert 'STATUS: deployed' in said and 'pmem.csi.alibabacloud.com/type=lvm' in said


def test_a_release_is_upgraded_rolled_back_and_uninstalled_and_its_volumes_stay(kubernetes):
    """After the test above."""
    def run(*arguments):
        status, _, errors = helm(*arguments, '-n', 'pmem-system', kubeconfig=kubernetes.kubeconfig)
        assert status == 0, errors

    def replicas():
        return kubernetes.admin.get('deployments', 'pmem-extender', 'pmem-system')['spec']['replicas']

    kubernetes.admin.create(objects.persistent_volume('disk-of-somebody', 'n1'))
    run('upgrade', 'pmem', CHART, '--set', 'extender.replicas=3')
    assert replicas() == 3
    run('rollback', 'pmem')
    assert replicas() == 2
    run('uninstall', 'pmem')
    for resource, name, is_there in (('deployments', 'pmem-extender', False), ('csidrivers', objects.DRIVER, False),
                                     ('namespaces', 'pmem-system', True), ('persistentvolumes', 'disk-of-somebody', True)):
        assert bool(kubernetes.admin.find(resource, name, 'pmem-system')) == is_there, (resource, name)
