# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus scrapes the three programs: what it answers is what they know."""
import json
import pathlib
import re
import subprocess

import pytest
import yaml

from harness import cluster, control_plane, devices, pair, processes, scraper, waiting

MONITORING = pathlib.Path(__file__).resolve().parents[2] / 'manifests' / 'components' / 'monitoring'
GI = devices.GI
LAYOUT = {
    'volume_groups': [{'name': 'pmemvgregion0', 'size_bytes': 100 * GI, 'extent_size_bytes': 4 << 20,
                       'numa_node': 0, 'volumes': [{'name': 'by-hand', 'size_bytes': 10 * GI}]}],
    'regions': [{'name': 'region1', 'size_bytes': 64 * GI, 'align_bytes': 16 << 20, 'numa_node': 1,
                 'label_slots': 8, 'namespaces': [
                     {'name': 'a', 'offset_bytes': 0, 'size_bytes': GI, 'mode': 'fsdax'},
                     {'name': 'b', 'offset_bytes': 2 * GI, 'size_bytes': GI, 'mode': 'fsdax'}]}],
}


@pytest.fixture(scope='module')
def urls(tmp_path_factory):
    """(agent, extender, driver)."""
    directory = tmp_path_factory.mktemp('pair')
    with (
        pair.running(directory, LAYOUT) as pair_urls,
        pair.driver(directory, cluster.CSI_PROGRAMS.driver) as driver_url,
    ):
        yield *pair_urls, driver_url


@pytest.fixture(scope='module')
def prometheus(urls, rules, tmp_path_factory):
    """query(text) -> {labels as text: value} of a Prometheus that has scraped all three programs."""
    targets = [url.removeprefix('http://') for url in urls]
    directory = tmp_path_factory.mktemp('prometheus')
    supervisor = processes.Supervisor(directory / 'logs')
    query = scraper.Prometheus(supervisor, directory, {
        'global': {'scrape_interval': '1s', 'evaluation_interval': '1s'}, 'rule_files': [str(rules)],
        'scrape_configs': [{'job_name': 'pmem', 'static_configs': [{'targets': targets}]}]}).query
    waiting.until(lambda: sum(query('up').values()) == len(targets), 'all programs are scraped', 30)
    yield query
    supervisor.stop_all()


@pytest.mark.parametrize('number', [0, 1, 2], ids=['agent', 'extender', 'driver'])
def test_promtool_finds_nothing_wrong_with_the_metrics(urls, number):
    done = subprocess.run(['promtool', 'check', 'metrics'], input=pair.metrics_text(urls[number]), text=True,
                          capture_output=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, '')


def panels():
    return json.loads((MONITORING / 'dashboard.json').read_text())['panels']


# Here: nobody leads without an API server, and nobody asks.
EMPTY_PANELS = {'Leader', 'Nodes refused, by reason'}


def test_every_panel_of_the_dashboard_shows_what_there_is(prometheus):
    queries = {(panel['title'], target['refId']): target['expr'].replace('$__rate_interval', '1m').replace('$node', '.*')
               for panel in panels() for target in panel['targets']}
    assert not any('$' in query for query in queries.values())

    def empty():
        return {title for (title, _), query in queries.items() if not prometheus(query)}

    waiting.until(lambda: empty() == EMPTY_PANELS, f'all panels but {EMPTY_PANELS} show something')


def test_no_panel_of_the_dashboard_lies_on_another():
    taken = [(x, y) for p in (panel['gridPos'] for panel in panels()) for x in range(p['x'], p['x'] + p['w'])
             for y in range(p['y'], p['y'] + p['h'])]
    assert len(set(taken)) == len(taken) and max(x for x, _ in taken) < 24
    assert len({panel['id'] for panel in panels()}) == len(panels())


def test_every_metric_of_the_rules_exists(urls, rules):
    wanted = set(re.findall(r'pmem_[a-z_]+', ' '.join(
        rule['expr'] for group in yaml.safe_load(rules.read_text())['groups'] for rule in group['rules'])))
    served = set(re.findall(r'(?m)^(pmem_[a-z_]+)', ''.join(pair.metrics_text(url) for url in urls)))
    assert wanted and wanted <= served


def test_pools_in_prometheus_are_the_reports_own(urls, prometheus):
    pools = control_plane.get_json(f'{urls[0]}/v1/capacity')[1]['pools']
    for member in ('total_bytes', 'allocatable_bytes', 'available_bytes', 'max_volume_bytes'):
        for pool in pools:
            values = prometheus(f'pmem_agent_pool_{member}{{pool="{pool["id"]}"}}')
            assert list(values.values()) == [pool[member]]


def test_fragmentation_and_label_slots_of_the_region_are_right(prometheus):
    assert list(prometheus('pmem_agent_pool_fragmentation_ratio').values()) == [
        pytest.approx(1 / 62)]
    assert list(prometheus('pmem_agent_pool_label_slots_free').values()) == [6]


def test_the_node_counts_as_fresh(prometheus):
    for state, count in (('fresh', 1), ('stale', 0), ('no_report', 0), ('no_agent', 0)):
        assert list(prometheus(f'pmem_extender_nodes{{state="{state}"}}').values()) == [count]


def test_only_the_alerts_that_are_meant_to_are_raised(prometheus):
    # Six label slots are few, and without an API server nobody leads; everything else is well. Pending: it has to last before it fires.
    # The first evaluations came before the first scrape, when nothing was there yet.
    def raised():
        return {json.loads(labels)['alertname'] for labels in prometheus('ALERTS')}

    meant = {'PmemLabelSlotsLow', 'PmemExtenderWithoutLeader'}
    waiting.until(lambda: raised() == meant, 'those alerts alone are pending')
