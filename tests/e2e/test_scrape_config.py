# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus finds the programs through a real API server, by the scrape configuration and the role that ship."""
import copy
import json
import pathlib
import re

import pytest
import yaml

from harness import cluster, go_modules, kube, objects, scraper, waiting
from scene import both, direct, lvm
from shipped import MANIFESTS, PROMETHEUS_OPERATOR, find, only, render

COMPONENTS = MANIFESTS / 'components'
ACCOUNT = ('monitoring', 'prometheus')
SYSTEM = 'pmem-system'
FOUND_SECONDS = 40
# A PodMonitor of the operator's own tests, and what the operator made of it: relabelled by label, with a named port.
OPERATORS_ANSWER = pathlib.Path('pkg', 'prometheus', 'testdata', 'podMonitorObjectWithPodName.golden')


@pytest.fixture(scope='module')
def kubeconfig(real_cluster):
    """Of Prometheus' ServiceAccount, which is bound to the shipped role."""
    api = real_cluster.api
    made = [{'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': ACCOUNT[0]}},
            {'apiVersion': 'v1', 'kind': 'ServiceAccount', 'metadata': {'namespace': ACCOUNT[0], 'name': ACCOUNT[1]}},
            *yaml.safe_load_all((COMPONENTS / 'scrape' / 'rbac.yaml').read_text())]
    for obj in made:
        api.create(obj)
    yield real_cluster.control_plane.service_account_kubeconfig(*ACCOUNT)
    for obj in reversed(made):
        api.delete(kube.resource_of(obj['kind']), obj['metadata']['name'], obj['metadata'].get('namespace'))


class Pods:
    """The pods that the shipped workloads would have, where processes stand in for their containers."""

    def __init__(self, scene):
        self._scene = scene
        self._rendered = render(MANIFESTS / 'overlays' / 'release')[1]
        self._made = []  # Pairs: name, kube_namespace.
        self.addresses = {}

    def add(self, workload, node, address):
        """Its port named http is the one of this address; it runs, as its stand-in of a kubelet says."""
        host, _, port = address.partition(':')
        kind = 'Deployment' if workload == 'pmem-extender' else 'DaemonSet'
        template = copy.deepcopy(find(self._rendered, kind, workload)['spec']['template'])
        only([p for c in template['spec']['containers'] for p in c.get('ports', [])])['containerPort'] = int(port)
        name = f'{workload}-{node}'
        pod = {'apiVersion': 'v1', 'kind': 'Pod', 'spec': {**template['spec'], 'nodeName': node},
               'metadata': {**template['metadata'], 'name': name}}
        self.create(pod, SYSTEM, {'podIP': host, 'podIPs': [{'ip': host}]})
        self.addresses[name] = address
        return name

    def create(self, pod, kube_namespace, status):
        api, name = self._scene.api, pod['metadata']['name']
        api.create(pod, kube_namespace)
        self._made.append((name, kube_namespace))
        api.merge('pods', name, {'status': status}, kube_namespace, sub='status')

    def add_programs(self, nodes):
        """An agent and a driver on each node, and the extender on the first."""
        running = self._scene.cluster
        for node in nodes:
            self.add('pmem-capacity-agent', node, running.agents[node].address)
            self.add('pmem-csi-driver', node, running.csi[node].metrics_address)
        self.add('pmem-extender', nodes[0], running.extender_address)

    def end(self, name):
        """Its containers have ended; the object stays, as that of an evicted pod does."""
        self._scene.api.merge('pods', name, {'status': {'phase': 'Failed'}}, SYSTEM, sub='status')
        del self.addresses[name]

    def clear(self):
        for name, kube_namespace in self._made:
            self._scene.api.delete('pods', name, kube_namespace, grace_seconds=0)


@pytest.fixture
def pods(real_scene):
    made = Pods(real_scene)
    yield made
    made.clear()


@pytest.fixture
def start(real_cluster, kubeconfig, tmp_path):
    """start(name, jobs) -> a Prometheus with these jobs, which it takes from a file of their own."""
    started = []

    def start(name, jobs):
        """Outside of the cluster it needs a kubeconfig, and a test has not the patience for the shipped interval."""
        folder = tmp_path / name
        folder.mkdir()
        for job in jobs:
            job['scrape_interval'] = '1s'
            only(job['kubernetes_sd_configs'])['kubeconfig_file'] = str(kubeconfig)
        (folder / 'scrape_configs.yaml').write_text(yaml.safe_dump({'scrape_configs': jobs}))
        started.append(scraper.Prometheus(
            real_cluster.supervisor, folder, {'scrape_config_files': ['scrape_configs.yaml']},
            cluster.BINARIES / 'prometheus', name))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def shipped_jobs():
    return yaml.safe_load((COMPONENTS / 'scrape' / 'scrape_configs.yaml').read_text())['scrape_configs']


def monitors():
    return list(yaml.safe_load_all((COMPONENTS / 'monitoring' / 'monitors.yaml').read_text()))


def operators_job(monitor):
    """The operator's own answer to a PodMonitor of its tests, with the names of ours in the places of theirs."""
    endpoint = only(monitor['spec']['podMetricsEndpoints'])
    assert set(monitor['spec']) == {'selector', 'podMetricsEndpoints'} and set(endpoint) == {'port', 'path', 'interval'}
    [(label, value)] = monitor['spec']['selector']['matchLabels'].items()
    text = (go_modules.fetch(*PROMETHEUS_OPERATOR) / OPERATORS_ANSWER).read_text()
    for theirs, ours in (('default/defaultPodMonitor', '{namespace}/{name}'.format(**monitor['metadata'])),
                         ('- default\n', f'- {monitor["metadata"]["namespace"]}\n'),
                         ('label_group\n', f'label_{re.sub("[^a-zA-Z0-9_]", "_", label)}\n'),
                         ('labelpresent_group\n', f'labelpresent_{re.sub("[^a-zA-Z0-9_]", "_", label)}\n'),
                         ('(group1);true', f'({value});true'), ('podname\n', f'{endpoint["port"]}\n'), ('$(SHARD)', '0')):
        assert theirs in text
        text = text.replace(theirs, ours)
    return {**only(yaml.safe_load(text)['scrape_configs']), 'scrape_interval': endpoint['interval'],
            'metrics_path': endpoint['path']}


def wait_for_targets(prometheus, addresses):
    """Until it scrapes these and no others; its targets."""
    wanted = {f'http://{address}/metrics': name for name, address in addresses.items()}

    def found():
        targets = prometheus.targets()
        return targets if {url: labels['pod'] for url, labels in targets.items()} == wanted else None

    return waiting.until(found, f'Prometheus has the targets {wanted}', FOUND_SECONDS)


def scraped(prometheus):
    """Names of the pods whose last scrape went well."""
    return {json.loads(labels)['pod'] for labels in prometheus.query('up == 1')}


def wait_scraped(prometheus, names):
    waiting.until(lambda: scraped(prometheus) == set(names), f'{names} are scraped', FOUND_SECONDS)


def wait_value(prometheus, query, wanted):
    """Until it has this one answer: `wanted()`."""
    waiting.until(lambda: list(prometheus.query(query).values()) == [wanted()], query, FOUND_SECONDS)


def test_prometheus_finds_every_program_and_its_numbers_are_theirs(real_scene, pods, start):
    nodes = real_scene.add_nodes(lvm(40), direct(24))
    pods.add_programs(nodes)
    prometheus = start('shipped', shipped_jobs())
    wait_for_targets(prometheus, pods.addresses)
    wait_scraped(prometheus, pods.addresses)

    created = f'sum(pmem_csi_calls_total{{method="CreateVolume",code="OK",pod="pmem-csi-driver-{nodes[0]}"}} or vector(0))'
    before = only(list(prometheus.query(created).values()))
    real_scene.claim_and_pod('data', '10Gi')
    real_scene.wait_bound('data')
    # Now and then the provisioner asks twice.
    waiting.until(lambda: prometheus.query(f'{created} > {before}'), 'the driver made a volume', FOUND_SECONDS)
    for node, kind in zip(nodes, ('lvm', 'direct')):
        agents = f'pmem_agent_pool_available_bytes{{node="{node}",pod="pmem-capacity-agent-{node}"}}'
        wait_value(prometheus, agents, lambda: real_scene.free(node, kind))
    listed = real_scene.cluster.ask('/v1/nodes')[1]['nodes']
    wait_value(prometheus, 'pmem_extender_nodes{state="fresh"}', lambda: len([n for n in listed if n['freshness'] == 'fresh']))


def test_prometheus_follows_the_pods(real_scene, pods, start):
    one, other = real_scene.add_nodes(both(8, 8), both(8, 8))
    pods.add_programs([one])
    prometheus = start('shipped', shipped_jobs())
    wait_for_targets(prometheus, pods.addresses)
    joined = pods.add('pmem-capacity-agent', other, real_scene.cluster.agents[other].address)
    wait_for_targets(prometheus, pods.addresses)
    pods.end(joined)
    wait_for_targets(prometheus, pods.addresses)


def test_a_pod_that_is_none_of_the_three_programs_is_left_alone(real_scene, pods, start):
    node = real_scene.add_node(lvm(8))
    pods.add_programs([node])
    for name, kube_namespace, labels in (
            ('pmem-kube-scheduler', SYSTEM, {'app.kubernetes.io/name': 'pmem-kube-scheduler'}),
            ('other', real_scene.kube_namespace, {'app.kubernetes.io/name': 'pmem-capacity-agent'})):
        stranger = objects.pod(name, labels=labels, nodeName=node)
        stranger['spec']['containers'][0]['ports'] = [{'name': 'http', 'containerPort': 9110}]
        pods.create(stranger, kube_namespace, {'podIP': '127.0.0.2'})
    prometheus = start('shipped', shipped_jobs())
    wait_scraped(prometheus, pods.addresses)
    assert set(prometheus.targets()) == {f'http://{address}/metrics' for address in pods.addresses.values()}


def test_the_monitors_lead_to_the_same_targets_with_the_same_labels(real_scene, pods, start):
    pods.add_programs(real_scene.add_nodes(lvm(8), direct(8)))
    by_file = start('shipped', shipped_jobs())
    by_monitors = start('operator', [operators_job(monitor) for monitor in monitors()])
    targets = wait_for_targets(by_file, pods.addresses)
    assert targets == wait_for_targets(by_monitors, pods.addresses)
    assert {labels['job'] for labels in targets.values()} == {f'{SYSTEM}/{m["metadata"]["name"]}' for m in monitors()}


def test_the_monitors_ask_as_often_as_the_scrape_configuration():
    intervals = {only(monitor['spec']['podMetricsEndpoints'])['interval'] for monitor in monitors()}
    assert intervals == {job['scrape_interval'] for job in shipped_jobs()}
