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
def rules(tmp_path_factory):
    """The shipped rules as a file of Prometheus' own."""
    path = tmp_path_factory.mktemp('rules') / 'rules.yaml'
    path.write_text(yaml.safe_dump(yaml.safe_load((MONITORING / 'rules.yaml').read_text())['spec']))
    return path


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


def exposition(url):
    """The text of /metrics."""
    return subprocess.run(['curl', '-fsS', f'{url}/metrics'], check=True, capture_output=True,
                          text=True).stdout


@pytest.mark.parametrize('number', [0, 1, 2], ids=['agent', 'extender', 'driver'])
def test_promtool_finds_nothing_wrong_with_the_metrics(urls, number):
    done = subprocess.run(['promtool', 'check', 'metrics'], input=exposition(urls[number]), text=True,
                          capture_output=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, '')


def test_promtool_accepts_the_rules(rules):
    subprocess.run(['promtool', 'check', 'rules', rules], check=True, capture_output=True)


def test_promtool_accepts_every_query_of_the_dashboard(tmp_path):
    panels = json.loads((MONITORING / 'dashboard.json').read_text())['panels']
    queries = [target['expr'] for panel in panels for target in panel['targets']]
    path = tmp_path / 'queries.yaml'
    path.write_text(yaml.safe_dump({'groups': [{'name': 'dashboard', 'rules': [
        {'record': f'query:{i}', 'expr': query.replace('$__rate_interval', '5m').replace('$node', '.*')}
        for i, query in enumerate(queries)]}]}))
    done = subprocess.run(['promtool', 'check', 'rules', path], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and '$' not in path.read_text(), done.stdout + done.stderr


NOT_ASKED = 'PmemSchedulerDoesNotAsk'
# What happens in the first 90 minutes, a sample a minute, and whether the alert fires then.
STORIES = [
    ('claims get nodes and nobody asks', {'claims_placed': '3+0x60 4+0x29', 'pins_written_total': '7+0x90'}, True),
    ('there is no placement controller', {'claims_placed': '3+0x60 4+0x29'}, True),
    ('somebody asks', {'claims_placed': '3+0x60 4+0x29', 'pod_decisions_total{outcome="unmanaged"}': '0+0x70 1+0x19'}, False),
    ('our placement controller writes', {'claims_placed': '3+0x60 4+0x29', 'pins_written_total': '7+0x60 8+0x29'}, False),
    ('nothing happens', {'claims_placed': '3+0x90'}, False),
    ('claims go', {'claims_placed': '3+0x60 1+0x29'}, False),
    ('the extender starts anew', {'claims_placed': '3+0x69 0 3+0x19'}, False),
    ('the extender is new', {'claims_placed': '_x80 0 3+0x9'}, False),
]


def check_alert(rules, folder, name, series, eval_time, raised):
    """With these series, a sample a minute, the alert fires so often: each time (labels, summary)."""
    severity = next(rule['labels'] for group in yaml.safe_load(rules.read_text())['groups'] for rule in group['rules']
                    if rule.get('alert') == name)
    path = folder / 'story.yaml'
    path.write_text(yaml.safe_dump({'rule_files': [str(rules)], 'tests': [{
        'interval': '1m',
        'input_series': [{'series': of, 'values': text} for of, text in series.items()],
        'alert_rule_test': [{'alertname': name, 'eval_time': eval_time, 'exp_alerts': [
            {'exp_labels': {**severity, **labels}, 'exp_annotations': {'summary': summary}}
            for labels, summary in raised]}]}]}))
    done = subprocess.run(['promtool', 'test', 'rules', path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize('series, fires', [story[1:] for story in STORIES], ids=[story[0] for story in STORIES])
def test_a_scheduler_that_does_not_ask_is_told_of(rules, tmp_path, series, fires):
    values = {'pod_decisions_total{outcome="fit"}': '5+0x90', **series}
    raised = [({}, 'kube-scheduler places PMEM claims and does not ask the extender: capacity objects alone choose')]
    check_alert(rules, tmp_path, NOT_ASKED, {f'pmem_extender_{name}': text for name, text in values.items()}, '85m',
                raised if fires else [])


@pytest.mark.parametrize('of_a, of_b, fires', [
    ('0+0x9', '1+0x9', False), ('1+0x9', '1+0x9', True), ('1+0x9', '0+0x8 1', False)],
    ids=['one leads', 'both lead', 'the lead changes'])
def test_two_leaders_are_told_of(rules, tmp_path, of_a, of_b, fires):
    check_alert(rules, tmp_path, 'PmemExtenderTwoLeaders',
                {'pmem_extender_leading{pod="a"}': of_a, 'pmem_extender_leading{pod="b"}': of_b}, '9m',
                [({}, '2 extenders lead: each promises the same room again')] if fires else [])


def test_what_all_replicas_see_is_told_of_once(rules, tmp_path):
    check_alert(rules, tmp_path, 'PmemAgentSilent',
                {f'pmem_extender_report_age_seconds{{pod="{pod}",node="{node}"}}': text for pod in 'ab'
                 for node, text in (('n1', '100+60x9'), ('n2', '0+0x9'))}, '9m',
                [({'node': 'n1'}, 'The agent of n1 is silent: its node takes no new volumes')])
    check_alert(rules, tmp_path, 'PmemNodeUnknown',
                {f'pmem_extender_nodes{{pod="{pod}",state="no_report"}}': '3+0x9' for pod in 'ab'}, '9m',
                [({}, '3 nodes have an agent that never reported')])
    check_alert(rules, tmp_path, 'PmemNodeWithoutAgent',
                {f'pmem_extender_nodes{{pod="{pod}",state="no_agent"}}': '1+0x9' for pod in 'ab'}, '9m',
                [({}, '1 nodes are to have PMEM and have no agent: they take no new volumes')])


@pytest.mark.parametrize('available, fires', [
    ('100-0.04x840', False), ('33-0.02x840', True), ('40+0x300 20+0x539', False),
    ('20+0.01x840', False)], ids=['much is left', 'it goes and goes', 'one large volume', 'it comes back'])
def test_room_that_runs_out_is_told_of(rules, tmp_path, available, fires):
    agents = '{pod="p",node="n1",kind="lvm",pool="lvm/pmemvgregion0"}'
    check_alert(rules, tmp_path, 'PmemRoomRunsOut',
                {f'pmem_agent_pool_available_bytes{agents}': available,
                 f'pmem_agent_pool_allocatable_bytes{agents}': '100+0x840'}, '10h55m',
                [({'node': 'n1', 'kind': 'lvm'}, 'n1 will have no room of kind lvm in three days')] if fires else [])


@pytest.mark.parametrize('code, fires', [
    ('DEADLINE_EXCEEDED', True), ('UNAVAILABLE', True), ('INTERNAL', True), ('RESOURCE_EXHAUSTED', False),
    ('FAILED_PRECONDITION', False), ('ABORTED', False)])
def test_a_driver_whose_calls_fail_by_no_fault_of_the_caller_is_told_of(rules, tmp_path, code, fires):
    raised = [({'pod': 'p', 'method': 'CreateVolume'}, 'CreateVolume of p fails again and again: its log says why')]
    check_alert(rules, tmp_path, 'PmemDriverCallsFail',
                {f'pmem_csi_calls_total{{pod="p",method="CreateVolume",code="{code}"}}': '0+1x20'}, '20m',
                raised if fires else [])


def test_every_metric_of_the_rules_exists(urls, rules):
    wanted = set(re.findall(r'pmem_[a-z_]+', ' '.join(
        rule['expr'] for group in yaml.safe_load(rules.read_text())['groups'] for rule in group['rules'])))
    served = set(re.findall(r'(?m)^(pmem_[a-z_]+)', ''.join(exposition(url) for url in urls)))
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
