# SPDX-License-Identifier: Apache-2.0
"""Prometheus is given the pods that the shipped monitors select (it has no discovery here), and its numbers are those of LVM and ndctl."""

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest
import yaml

import paths
from harness import processes, waiting

MONITORING = paths.MANIFESTS / 'components' / 'monitoring'
SCRAPED_SECONDS = 120


def targets(cluster, monitor):
    """The pods that a PodMonitor selects; Debian's Prometheus cannot ask the API server itself."""
    kube_namespace = monitor['metadata']['namespace']
    selector = ','.join(f'{label}={value}' for label, value in monitor['spec']['selector']['matchLabels'].items())
    for pod in json.loads(cluster.shell(f'kubectl -n {kube_namespace} get pods -l {selector} -o json'))['items']:
        for container in pod['spec']['containers']:
            for port in container.get('ports', []):
                if port['name'] == monitor['spec']['podMetricsEndpoints'][0]['port']:
                    yield {'targets': [f'{pod["status"]["podIP"]}:{port["containerPort"]}'],
                           'labels': {'pod': pod['metadata']['name']}}


def scrape_config(cluster, monitor):
    """What the Prometheus operator would make of it, but for a short interval."""
    return {'job_name': monitor['metadata']['name'], 'metrics_path': monitor['spec']['podMetricsEndpoints'][0]['path'],
            'proxy_url': cluster.network.url, 'scrape_interval': '2s', 'static_configs': list(targets(cluster, monitor))}


@pytest.fixture(scope='module')
def query(cluster):
    """query(text) -> {labels as text: value}."""
    work = cluster.directory / 'prometheus'
    work.mkdir()
    (work / 'rules.yaml').write_text(yaml.safe_dump(yaml.safe_load((MONITORING / 'rules.yaml').read_text())['spec']))
    monitors = yaml.safe_load_all((MONITORING / 'monitors.yaml').read_text())
    (work / 'prometheus.yaml').write_text(yaml.safe_dump({
        'global': {'evaluation_interval': '2s'}, 'rule_files': [str(work / 'rules.yaml')],
        'scrape_configs': [scrape_config(cluster, m) for m in monitors]}))
    subprocess.run(['promtool', 'check', 'config', work / 'prometheus.yaml'], check=True, capture_output=True)
    address = f'127.0.0.1:{processes.free_port()}'
    running = cluster.supervisor.start('prometheus', [
        'prometheus', f'--config.file={work / "prometheus.yaml"}', f'--storage.tsdb.path={work / "data"}',
        f'--web.listen-address={address}'])

    def ask(text):
        try:
            with urllib.request.urlopen(f'http://{address}/api/v1/query?{urllib.parse.urlencode({"query": text})}') as answer:
                found = json.load(answer)['data']['result']
        except (urllib.error.URLError, ConnectionError):
            return {}
        return {json.dumps(row['metric'], sort_keys=True): float(row['value'][1]) for row in found}

    yield ask
    running.stop()


def test_every_pod_is_scraped(page, query):
    page.chapter('Prometheus', "Debian's own, told what to scrape by the shipped monitors, as the operator would tell it.")

    def scraped():
        pods = {name.removeprefix('pod/') for name in page.quiet('kubectl -n pmem-system get pods -o name').split()}
        return pods == {json.loads(labels)['pod'] for labels in query('up == 1')} and len(pods)

    page.note(f'up == 1: {waiting.until(scraped, "every pod is scraped", SCRAPED_SECONDS, poll=0.5)} pods')


@pytest.mark.parametrize('name', ['pmem-extender', 'pmem-capacity-agent', 'pmem-csi-driver'])
def test_promtool_finds_nothing_wrong(page, name):
    port = {'pmem-extender': 9120, 'pmem-capacity-agent': 9110, 'pmem-csi-driver': 9130}[name]
    pod = page.quiet(f'kubectl -n pmem-system get pods -l app.kubernetes.io/name={name} -o jsonpath={{.items[0].metadata.name}}')
    text = page.quiet(f'kubectl get --raw /api/v1/namespaces/pmem-system/pods/{pod}:{port}/proxy/metrics')
    done = subprocess.run(['promtool', 'check', 'metrics'], input=text, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, '')


def test_room_is_what_lvm_and_ndctl_say(cluster, page, query):
    page.say("The agents' numbers beside the devices' own.")

    def told(metric, node, kind):
        return list(query(f'pmem_agent_pool_{metric}{{node="{node}",kind="{kind}"}}').values())

    for node in ('pmem-1', 'pmem-3'):
        free, size = map(int, cluster.nodes[node].run(
            'vgs --noheadings --nosuffix --units b -o vg_free,vg_size pmemvgregion0').split())
        waiting.until(lambda: told('available_bytes', node, 'lvm') == [free], f'{free} bytes on {node}', 30, poll=0.5)
        assert told('total_bytes', node, 'lvm') == [size]
        page.note(f'pmem_agent_pool_available_bytes{{node="{node}",kind="lvm"}} {free}: vgs says the same')
    region = json.loads(cluster.nodes['pmem-3'].run('ndctl list -R'))[0]
    assert told('available_bytes', 'pmem-3', 'direct') == [region['available_size']]
    assert told('max_volume_bytes', 'pmem-3', 'direct') == [region['max_available_extent']]
    page.note(f'pmem_agent_pool_available_bytes{{node="pmem-3",kind="direct"}} {region["available_size"]}: ndctl says the same')


def test_the_extender_counts_nodes_and_promises_nothing(query):
    leader = 'and on(pod) pmem_extender_leading == 1'
    assert list(query(f'pmem_extender_nodes{{state="fresh"}} {leader}').values()) == [2]
    assert list(query('sum(pmem_extender_leading)').values()) == [1]
    waiting.until(lambda: list(query(f'sum(pmem_extender_promised_bytes {leader})').values()) in ([], [0]),
                  'nothing is promised', 30, poll=0.5)
