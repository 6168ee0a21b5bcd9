# SPDX-License-Identifier: Apache-2.0
"""What ships in manifests/ is accepted by the real API server, and allows what it must and no more."""
import functools
import itertools
import json
import pathlib
import re
import subprocess

import pytest
import yaml

from harness import cluster, csi_nodes, go_modules, objects, waiting
from shipped import MANIFESTS, PROMETHEUS_OPERATOR, find, kubectl, only, render, render_with

EXTENDER = 'system:serviceaccount:pmem-system:pmem-extender'
AGENT = 'system:serviceaccount:pmem-system:pmem-capacity-agent'
DRIVER = 'system:serviceaccount:pmem-system:pmem-csi-driver'
PROMETHEUS = 'system:serviceaccount:monitoring:prometheus'
_numbers = itertools.count(1)


@pytest.mark.parametrize('overlay', sorted(p.name for p in (MANIFESTS / 'overlays').iterdir()))
def test_every_object_of_an_overlay_is_accepted_with_strict_validation(kubernetes, overlay):
    text, rendered = render(MANIFESTS / 'overlays' / overlay)
    for extra in (['--dry-run=server'], []):
        said = kubectl(kubernetes, 'apply', '--server-side', '--force-conflicts', '--validate=strict',
                       *extra, '-f', '-', stdin=text)
        assert len(said.splitlines()) == len(rendered)


def test_the_admission_policies_are_as_the_api_server_keeps_them(kubernetes):
    """So that who applies them again changes nothing."""
    for said in ('', 'unchanged'):
        out = kubectl(kubernetes, 'apply', '--validate=strict', '-k', MANIFESTS / 'components' / 'admission-policy')
        assert len(out.splitlines()) == 8 and [line for line in out.splitlines() if not line.endswith(said)] == []


@pytest.mark.parametrize('example', sorted(p.name for p in (MANIFESTS / 'examples').iterdir()))
def test_every_example_is_accepted_with_strict_validation(kubernetes, example):
    kube_namespace = example.removesuffix('.yaml').replace('_', '-')
    kubectl(kubernetes, 'create', 'namespace', kube_namespace)
    kubectl(kubernetes, 'apply', '--server-side', '--validate=strict', '-n', kube_namespace,
            '-f', MANIFESTS / 'examples' / example)


def test_the_scheduler_configuration_is_accepted_by_the_scheduler(kubernetes, tmp_path):
    config = yaml.safe_load((MANIFESTS / 'scheduler' / 'kube_scheduler_config.yaml').read_text())
    config['clientConnection']['kubeconfig'] = str(kubernetes.kubeconfig)
    path = tmp_path / 'scheduler.yaml'
    path.write_text(yaml.safe_dump(config))
    written = tmp_path / 'completed.yaml'
    # Validates, writes the completed configuration and ends.
    done = subprocess.run([cluster.BINARIES / 'kube-scheduler', f'--config={path}', f'--write-config-to={written}'],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    extender = only(yaml.safe_load(written.read_text())['extenders'])
    assert extender == {**extender, **only(config['extenders'])}


def allowed(plane, user, verb, resource, kube_namespace='default', group='', name='', sub=''):
    """What the API server's own authorizer says."""
    review = {'apiVersion': 'authorization.k8s.io/v1', 'kind': 'SubjectAccessReview', 'spec': {
        'user': user, 'groups': ['system:serviceaccounts', 'system:authenticated'],
        'resourceAttributes': {'verb': verb, 'resource': resource, 'namespace': kube_namespace,
                               'group': group, 'name': name, 'subresource': sub}}}
    answer = plane.admin.request('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', review)
    return answer['status']['allowed']


READ = ('get', 'list', 'watch')
WRITE = ('create', 'update', 'patch', 'delete', 'deletecollection')
CORE = ('pods', 'nodes', 'persistentvolumeclaims', 'persistentvolumes', 'events', 'secrets', 'configmaps',
        'services', 'serviceaccounts', 'namespaces')


def everything_allowed(plane, user, kube_namespace):
    """All (verb, resource) that the user may do there, of those that could matter."""
    asked = [('', resource) for resource in CORE]
    asked += [('storage.k8s.io', resource) for resource in
              ('storageclasses', 'csinodes', 'csidrivers', 'csistoragecapacities', 'volumeattachments')]
    asked += [('coordination.k8s.io', 'leases'), ('apps', 'deployments'), ('apps', 'daemonsets'),
              ('rbac.authorization.k8s.io', 'clusterroles')]
    return {(verb, resource) for group, resource in asked for verb in READ + WRITE
            if allowed(plane, user, verb, resource, kube_namespace, group)}


def test_the_extender_may_do_what_it_needs_and_nothing_else(kubernetes):
    expected = {(verb, resource) for verb in READ for resource in
                ('pods', 'nodes', 'persistentvolumeclaims', 'persistentvolumes', 'storageclasses')}
    expected |= {('patch', 'persistentvolumeclaims'), ('create', 'events')}
    assert everything_allowed(kubernetes, EXTENDER, 'default') == expected
    assert everything_allowed(kubernetes, EXTENDER, 'pmem-system') == expected | {
        (verb, 'csistoragecapacities') for verb in READ + WRITE if verb != 'deletecollection'} | {
        ('patch', 'pods'), ('create', 'leases')}


@pytest.mark.parametrize('name, may', [('pmem-extender', True), ('kube-scheduler', False)])
def test_the_extender_may_renew_its_own_lease(kubernetes, name, may):
    assert may == allowed(kubernetes, EXTENDER, 'update', 'leases', 'pmem-system',
                          'coordination.k8s.io', name)


@pytest.mark.parametrize('sub', ['binding', 'exec', 'eviction', 'status'])
def test_the_extender_may_not_touch_a_subresource_of_pods(kubernetes, sub):
    for verb in ('create', 'patch', 'update'):
        assert not allowed(kubernetes, EXTENDER, verb, 'pods', sub=sub)


def test_the_agent_may_do_nothing(kubernetes):
    assert everything_allowed(kubernetes, AGENT, 'pmem-system') == set()


def test_the_drivers_sidecars_may_do_what_they_need_and_nothing_else(kubernetes):
    expected = {(verb, resource) for verb in READ for resource in
                ('nodes', 'persistentvolumeclaims', 'persistentvolumes', 'storageclasses', 'csinodes')}
    expected |= {(verb, 'persistentvolumes') for verb in ('create', 'patch', 'delete')}
    expected |= {('update', 'persistentvolumeclaims')}
    expected |= {(verb, 'events') for verb in ('create', 'patch')}
    assert everything_allowed(kubernetes, DRIVER, 'default') == expected
    assert everything_allowed(kubernetes, DRIVER, 'pmem-system') == expected | {('create', 'leases')}


@pytest.mark.parametrize('name, may', [('external-resizer-pmem-csi-alibabacloud-com', True), ('pmem-extender', False)])
def test_the_drivers_sidecars_may_renew_their_own_lease(kubernetes, name, may):
    for verb in ('get', 'update'):
        assert may == allowed(kubernetes, DRIVER, verb, 'leases', 'pmem-system', 'coordination.k8s.io', name)


def test_the_drivers_sidecars_may_write_the_status_of_claims_and_of_nothing_else(kubernetes):
    may = {(verb, resource) for verb in WRITE for resource in CORE
           if allowed(kubernetes, DRIVER, verb, resource, sub='status')}
    assert may == {('patch', 'persistentvolumeclaims')}


@pytest.mark.parametrize('name, flags', [('provisioner', csi_nodes.PROVISIONER_FLAGS),
                                         ('resizer', csi_nodes.RESIZER_FLAGS)])
def test_the_tests_run_a_sidecar_with_the_flags_of_the_base(name, flags):
    containers = find(render(MANIFESTS / 'base')[1], 'DaemonSet', 'pmem-csi-driver')['spec']['template'][
        'spec']['containers']
    container = only([c for c in containers if c['name'] == name])
    assert tuple(f for f in container['args'] if not f.startswith('--csi-address')) == flags


def test_the_base_names_the_sidecars_by_the_versions_that_are_built():
    containers = find(render(MANIFESTS / 'base')[1], 'DaemonSet', 'pmem-csi-driver')['spec']['template'][
        'spec']['containers']
    modules = (MANIFESTS.parent / 'tests' / 'csi' / 'tools' / 'go.mod').read_text()
    for name in ('provisioner', 'resizer'):
        version = re.search(rf'external-{name}/v\d+ (v\S+)', modules)[1]
        assert only([c for c in containers if c['name'] == name])['image'] == f'localhost/csi-{name}:{version}'


def test_whoever_uses_the_drivers_socket_may_connect_where_selinux_is_enforced():
    """The driver is privileged, and with it the socket that it makes."""
    spec = find(render(MANIFESTS / 'base')[1], 'DaemonSet', 'pmem-csi-driver')['spec']['template']['spec']
    users = [c for c in spec['containers'] if 'socket' in [m['name'] for m in c['volumeMounts']]]
    assert [c['name'] for c in users] == ['driver', 'provisioner', 'resizer']
    for container in users:
        context = container['securityContext']
        assert context.get('privileged') or context['seLinuxOptions'] == {'type': 'spc_t'}


def mounts_of(container):
    """{volume: mount}"""
    return {m['name']: m for m in container['volumeMounts']}


def test_sidecars_connect_to_the_drivers_socket_and_can_put_none_in_its_place():
    spec = find(render(MANIFESTS / 'base')[1], 'DaemonSet', 'pmem-csi-driver')['spec']['template']['spec']
    driver = only([c for c in spec['containers'] if c['name'] == 'driver'])
    sidecars = [c for c in spec['containers'] if c['name'] != 'driver']
    assert len(sidecars) == 2
    served = only([a for a in driver['args'] if a.startswith('--endpoint=')]).removeprefix('--endpoint=unix:')
    assert pathlib.Path(served).parent == pathlib.Path(mounts_of(driver)['socket']['mountPath'])
    for container in sidecars:
        # No other part of the node.
        assert mounts_of(container) == {'socket': {**mounts_of(driver)['socket'], 'readOnly': True}}
        assert only([a for a in container['args'] if a.startswith('--csi-address')]) == f'--csi-address={served}'


def test_the_driver_sees_of_the_kubelets_folders_only_its_own_and_where_block_volumes_and_pods_are():
    spec = find(render(MANIFESTS / 'base')[1], 'DaemonSet', 'pmem-csi-driver')['spec']['template']['spec']
    paths = {v['name']: v['hostPath']['path'] for v in spec['volumes'] if 'hostPath' in v}
    of_kubelet = {name: path for name, path in paths.items() if path.startswith('/var/lib/kubelet')}
    plugins = '/var/lib/kubelet/plugins/kubernetes.io/csi'
    assert of_kubelet == {
        'socket': f'/var/lib/kubelet/plugins_registry/{objects.DRIVER}', 'pods': '/var/lib/kubelet/pods',
        'staging': f'{plugins}/{objects.DRIVER}', 'block': f'{plugins}/volumeDevices'}
    driver = mounts_of(only([c for c in spec['containers'] if c['name'] == 'driver']))
    # The kubelet names paths of the node: they must be the same here, and what is mounted on them seen there.
    for name in ('pods', 'staging', 'block'):
        assert driver[name] == {'name': name, 'mountPath': paths[name], 'mountPropagation': 'Bidirectional'}


def pod_of(workload):
    """The pod that a workload would make."""
    template = workload['spec']['template']
    return {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {**template['metadata'], 'name': 'a-pod'},
            'spec': template['spec']}


def test_the_driver_starts_also_where_a_region_cannot_be_made_ready():
    """What is on healthy regions is mounted, unmounted and removed all the same."""
    init = only(find(render(MANIFESTS / 'base')[1], 'DaemonSet', 'pmem-csi-driver')['spec']['template']['spec'][
        'initContainers'])
    assert {'--accept-refusals', '--accept-failures'} <= set(init['args'])


@pytest.mark.parametrize('name', ['pmem-capacity-agent', 'pmem-csi-driver'])
def test_no_container_with_the_nodes_devices_has_its_termination_log_among_them(name):
    """Where /dev is read-only such a container cannot start; elsewhere it leaves a file on the node."""
    spec = pod_of(find(render(MANIFESTS / 'overlays' / 'release')[1], 'DaemonSet', name))['spec']
    with_devices = [c for c in spec.get('initContainers', []) + spec['containers']
                    if '/dev' in [m['mountPath'] for m in c['volumeMounts']]]
    assert with_devices
    assert {c.get('terminationMessagePath') for c in with_devices} == {'/tmp/termination-log'}


def check_restricted(kubernetes, workload):
    """Its pod is taken where the restricted pod security standard is enforced."""
    kube_namespace = f'restricted-{next(_numbers)}'
    label = {'pod-security.kubernetes.io/enforce': 'restricted'}
    kubernetes.admin.create({'apiVersion': 'v1', 'kind': 'Namespace',
                             'metadata': {'name': kube_namespace, 'labels': label}})
    kubernetes.admin.request('POST', f'/api/v1/namespaces/{kube_namespace}/pods', pod_of(workload),
                             dryRun='All', fieldValidation='Strict')


@pytest.mark.parametrize('overlay, kind, name', [
    ('release', 'Deployment', 'pmem-extender'),
    ('test', 'Deployment', 'pmem-extender'),
    ('test', 'DaemonSet', 'pmem-capacity-agent'),
])
def test_a_workload_without_devices_passes_the_restricted_pod_security_standard(kubernetes, overlay, kind,
                                                                               name):
    check_restricted(kubernetes, find(render(MANIFESTS / 'overlays' / overlay)[1], kind, name))


def test_every_deployment_lets_one_pod_at_a_time_be_drained(tmp_path):
    (tmp_path / 'both').mkdir()
    rendered = render_with('second-scheduler', tmp_path / 'both')[1]
    deployments = {o['metadata']['name']: o['spec'] for o in rendered if o['kind'] == 'Deployment'}
    budgets = {o['metadata']['name']: o['spec'] for o in rendered if o['kind'] == 'PodDisruptionBudget'}
    assert budgets == {name: {'maxUnavailable': 1, 'selector': spec['selector']} for name, spec in deployments.items()}


def test_whatever_may_go_to_any_node_goes_to_those_with_linux(tmp_path):
    (tmp_path / 'both').mkdir()
    rendered = render_with('second-scheduler', tmp_path / 'both')[1]
    pods = [o['spec']['template']['spec'] for o in rendered if o['kind'] == 'Deployment']
    assert [pod['nodeSelector'] for pod in pods] == [{'kubernetes.io/os': 'linux'}] * 2


def test_the_network_policies_choose_the_pods_and_ports_that_there_are(kubernetes, tmp_path):
    (tmp_path / 'both').mkdir()
    text, rendered = render_with('network-policy second-scheduler', tmp_path / 'both')
    workloads = {o['metadata']['name']: o['spec'] for o in rendered if o['kind'] in ('Deployment', 'DaemonSet')}
    policies = {o['metadata']['name']: o['spec'] for o in rendered if o['kind'] == 'NetworkPolicy'}
    assert set(policies) == set(workloads)
    for name, policy in policies.items():
        template = workloads[name]['template']
        assert policy['podSelector']['matchLabels'].items() <= template['metadata']['labels'].items()
        ports = {p['name'] for c in template['spec']['containers'] for p in c.get('ports', [])}
        assert {p['port'] for rule in policy['ingress'] for p in rule['ports']} == ports
    said = kubectl(kubernetes, 'apply', '--server-side', '--force-conflicts', '--validate=strict',
                   '-f', '-', stdin=text)
    assert len(said.splitlines()) == len(rendered)


def test_the_second_scheduler_is_accepted_beside_the_base_and_needs_no_privileges(kubernetes, tmp_path):
    (tmp_path / 'both').mkdir()
    text, rendered = render_with('second-scheduler', tmp_path / 'both')
    said = kubectl(kubernetes, 'apply', '--server-side', '--force-conflicts', '--validate=strict',
                   '-f', '-', stdin=text)
    assert len(said.splitlines()) == len(rendered)
    check_restricted(kubernetes, find(rendered, 'Deployment', 'pmem-kube-scheduler'))


def is_established(kubernetes, name):
    """Not by `kubectl wait` or a jsonpath, which fail while there is no condition yet."""
    definition = json.loads(kubectl(kubernetes, 'get', f'crd/{name}', '-o', 'json'))
    conditions = definition.get('status', {}).get('conditions') or []
    return any(c['type'] == 'Established' and c['status'] == 'True' for c in conditions)


def test_every_object_of_the_monitoring_component_is_accepted_with_strict_validation(kubernetes, tmp_path):
    """With the operator's own schemas: a misspelt or misplaced field is an error."""
    schemas = go_modules.fetch(*PROMETHEUS_OPERATOR) / 'example' / 'prometheus-operator-crd'
    (tmp_path / 'both').mkdir()
    text, rendered = render_with('monitoring', tmp_path / 'both')
    kinds = {o['kind'] for o in rendered if o['apiVersion'].startswith('monitoring.coreos.com/')}
    assert kinds >= {'PodMonitor', 'PrometheusRule'}
    for kind in sorted(kinds):
        name = f'{kind.lower()}s.monitoring.coreos.com'
        kubectl(kubernetes, 'apply', '--server-side', '-f',
                schemas / f'monitoring.coreos.com_{kind.lower()}s.yaml')
        waiting.until(functools.partial(is_established, kubernetes, name), f'{name} is established')
    said = kubectl(kubernetes, 'apply', '--server-side', '--force-conflicts', '--validate=strict',
                   '-f', '-', stdin=text)
    assert len(said.splitlines()) == len(rendered)


def test_a_prometheus_without_the_operator_may_look_for_our_pods_and_nothing_else(kubernetes, tmp_path):
    (tmp_path / 'both').mkdir()
    text, rendered = render_with('scrape', tmp_path / 'both')
    kubectl(kubernetes, 'apply', '--server-side', '-f', '-', stdin=yaml.safe_dump(
        {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': 'monitoring'}}))
    said = kubectl(kubernetes, 'apply', '--server-side', '--force-conflicts', '--validate=strict',
                   '-f', '-', stdin=text)
    assert len(said.splitlines()) == len(rendered)
    assert everything_allowed(kubernetes, PROMETHEUS, 'default') == set()
    assert everything_allowed(kubernetes, PROMETHEUS, 'pmem-system') == {('list', 'pods'), ('watch', 'pods')}
    shipped = find(rendered, 'ConfigMap', 'pmem-scrape')['data']['scrape_configs.yaml']
    assert shipped == (MANIFESTS / 'components' / 'scrape' / 'scrape_configs.yaml').read_text()


def test_monitors_select_what_the_base_runs(tmp_path):
    (tmp_path / 'both').mkdir()
    rendered = render_with('monitoring', tmp_path / 'both')[1]
    for kind, name in (('Deployment', 'pmem-extender'), ('DaemonSet', 'pmem-capacity-agent'),
                       ('DaemonSet', 'pmem-csi-driver')):
        pod = find(rendered, kind, name)['spec']['template']
        monitor = find(rendered, 'PodMonitor', name)
        assert monitor['spec']['selector']['matchLabels'].items() <= pod['metadata']['labels'].items()
        ports = [port['name'] for container in pod['spec']['containers'] for port in container.get('ports', [])]
        assert only(monitor['spec']['podMetricsEndpoints'])['port'] == only(ports)


def test_the_service_waits_for_the_label_that_the_leader_puts_on():
    rendered = render(MANIFESTS / 'base')[1]
    source = (MANIFESTS.parent / 'extender' / 'intake' / 'leader_label.h').read_text()
    key, value = (re.search(rf'{name} = "(.*)"', source)[1] for name in ('kLeaderLabel', 'kLeaderLabelValue'))
    selector = find(rendered, 'Service', 'pmem-extender')['spec']['selector']
    template = find(rendered, 'Deployment', 'pmem-extender')['spec']['template']['metadata']['labels']
    assert selector == {**template, key: value}
    assert key not in template


def test_the_extender_looks_for_the_agents_that_the_base_runs():
    rendered = render(MANIFESTS / 'base')[1]
    extender = find(rendered, 'Deployment', 'pmem-extender')['spec']['template']['spec']['containers'][0]
    agents = only([a for a in extender['args'] if a.startswith('--agents=')])
    kube_namespace, _, selector = agents.removeprefix('--agents=pods:').partition('/')
    agent = find(rendered, 'DaemonSet', 'pmem-capacity-agent')
    assert kube_namespace == agent['metadata']['namespace']
    key, _, value = selector.partition('=')
    assert agent['spec']['template']['metadata']['labels'][key] == value


def test_the_classes_of_the_base_are_the_examples_own(kubernetes):
    classes = {o['metadata']['name']: o for o in render(MANIFESTS / 'base')[1] if o['kind'] == 'StorageClass'}
    assert {name: o['parameters'] for name, o in classes.items()} == {
        'pmem-lvm': {'pmemType': 'lvm'}, 'pmem-direct': {'pmemType': 'direct'}}
    assert {o['provisioner'] for o in classes.values()} == {objects.DRIVER}
    assert {o['volumeBindingMode'] for o in classes.values()} == {'WaitForFirstConsumer'}


def test_the_agent_may_connect_to_nobody(tmp_path):
    (tmp_path / 'both').mkdir()
    policy = find(render_with('network-policy', tmp_path / 'both')[1], 'NetworkPolicy', 'pmem-capacity-agent')['spec']
    assert 'Egress' in policy['policyTypes'] and policy['egress'] == []
