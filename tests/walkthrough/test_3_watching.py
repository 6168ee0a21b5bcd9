# SPDX-License-Identifier: Apache-2.0
"""Prometheus finds the pods by what ships for it, and its numbers are those of LVM and ndctl."""

import json
import subprocess

import pytest
import yaml

import paths
from harness import scraper, waiting

COMPONENTS = paths.MANIFESTS / 'components'
ACCOUNT = ('monitoring', 'prometheus')
SCRAPED_SECONDS = 120


def jobs(cluster):
    """The shipped ones. Prometheus is outside of the cluster, so it has a kubeconfig and the way to the pods; and a short interval."""
    shipped = yaml.safe_load((COMPONENTS / 'scrape' / 'scrape_configs.yaml').read_text())['scrape_configs']
    kubeconfig = str(cluster.plane.service_account_kubeconfig(*ACCOUNT))
    return [{**job, 'scrape_interval': '2s', 'proxy_url': cluster.network.url,
             'kubernetes_sd_configs': [{**asked, 'kubeconfig_file': kubeconfig} for asked in job['kubernetes_sd_configs']]}
            for job in shipped]


@pytest.fixture(scope='module')
def query(cluster, page):
    """query(text) -> {labels as text: value}."""
    page.chapter('Prometheus', 'It is outside of the cluster, and finds the pods by the shipped scrape configuration, as a ServiceAccount '
                 'of its own with the shipped role.')
    page.shell('kubectl create namespace monitoring')
    page.shell('kubectl -n monitoring create serviceaccount prometheus')
    page.shell('kubectl apply --validate=strict -f manifests/components/scrape/rbac.yaml')
    work = cluster.directory / 'prometheus'
    work.mkdir()
    rules = yaml.safe_load((COMPONENTS / 'monitoring' / 'rules.yaml').read_text())['spec']
    (work / 'rules.yaml').write_text(yaml.safe_dump(rules))
    subprocess.run(['promtool', 'check', 'rules', work / 'rules.yaml'], check=True, capture_output=True)
    running = scraper.Prometheus(
        cluster.supervisor, work, {'global': {'evaluation_interval': '2s'}, 'rule_files': ['rules.yaml'],
                                   'scrape_configs': jobs(cluster)}, paths.BINARIES / 'prometheus')
    yield running.query
    running.stop()


def test_every_pod_is_scraped(page, query):
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

    free, size = map(int, cluster.nodes['pmem-1'].run(
        'vgs --noheadings --nosuffix --units b -o vg_free,vg_size pmemvgregion0').split())
    waiting.until(lambda: told('available_bytes', 'pmem-1', 'lvm') == [free], f'{free} bytes on pmem-1', 30, poll=0.5)
    assert told('total_bytes', 'pmem-1', 'lvm') == [size]
    page.note(f'pmem_agent_pool_available_bytes{{node="pmem-1",kind="lvm"}} {free}: vgs says the same')
    for node in ('pmem-1', 'pmem-2'):
        region = json.loads(cluster.nodes[node].run('ndctl list -R'))[0]
        assert told('available_bytes', node, 'direct') == [region['available_size']]
        assert told('max_volume_bytes', node, 'direct') == [region['max_available_extent']]
        page.note(f'pmem_agent_pool_available_bytes{{node="{node}",kind="direct"}} {region["available_size"]}: ndctl says the same')


def test_the_extender_counts_nodes_and_promises_nothing(query):
    leader = 'and on(pod) pmem_extender_leading == 1'
    assert list(query(f'pmem_extender_nodes{{state="fresh"}} {leader}').values()) == [2]
    assert list(query('sum(pmem_extender_leading)').values()) == [1]
    waiting.until(lambda: list(query(f'sum(pmem_extender_promised_bytes {leader})').values()) in ([], [0]),
                  'nothing is promised', 30, poll=0.5)
