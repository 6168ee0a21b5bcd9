# SPDX-License-Identifier: Apache-2.0
"""Each shipped alert is raised in the case that it is named for, and not in the one beside it. promtool plays the time."""
import re
import subprocess

import pytest
import yaml

from shipped import MANIFESTS

EXTENDERS = {'a': '{pod="a"}', 'b': '{pod="b"}'}
POOL = {'pod': 'p', 'node': 'n1', 'kind': 'lvm', 'pool': 'lvm/pmemvgregion0'}
OF_POOL = '{pod="p",node="n1",kind="lvm",pool="lvm/pmemvgregion0"}'
NOT_ASKED = 'kube-scheduler places PMEM claims and does not ask the extender: capacity objects alone choose'
ERRORS = 'What pods with claims ask for cannot be found out: kube-scheduler places them without regard to room, or not at all'
ABSENT = 'No extender: claims are scheduled without regard to room, or not at all'
NO_LEADER = 'No extender leads: PMEM claims are placed without regard to room, or not at all'


def of_each(metric, by_pod):
    """{series: samples} of a metric of each extender."""
    return {f'pmem_extender_{metric}{EXTENDERS[pod]}': samples for pod, samples in by_pod.items()}


def of_all(metric, labels, samples):
    """Both extenders tell the same."""
    return {f'pmem_extender_{metric}{{pod="{pod}",{labels}}}': samples for pod in EXTENDERS}


def of_extender(**metrics):
    """Of the one that there is."""
    return {f'pmem_extender_{metric}': samples for metric, samples in metrics.items()}


def of_pool(**metrics):
    return {f'pmem_agent_pool_{metric}{OF_POOL}': samples for metric, samples in metrics.items()}


def asked(**metrics):
    """Of a cluster in which kube-scheduler has asked five times, long ago."""
    return {'pmem_extender_pod_decisions_total{outcome="fit"}': '5+0x90', **of_extender(**metrics)}


def silent_agents(nodes_of_leader, nodes_of_follower):
    """What each of the two says of the nodes."""
    series = 'pmem_extender_nodes{{pod="{}",state="stale"}}'
    return ({series.format('a'): nodes_of_leader, series.format('b'): nodes_of_follower}
            | of_each('leading', {'a': '1+0x19', 'b': '0+0x19'}))


def left_out(samples):
    return {'pmem_extender_watch_decode_errors_total{pod="a",kind="Pod"}': samples}


def calls(code, samples='0+1x20'):
    return {f'pmem_csi_calls_total{{pod="p",method="CreateVolume",code="{code}"}}': samples}


def filter_calls(quick, all_calls):
    """Of the histogram: those of at most half a second, and all; nobody took longer than a second."""
    bucket = 'pmem_extender_verb_duration_seconds_bucket{verb="filter",pod="a",le='
    return {f'{bucket}"0.5"}}': quick, f'{bucket}"1"}}': all_calls, f'{bucket}"+Inf"}}': all_calls}


def driver(is_up):
    return {'up{job="pmem-system/pmem-csi-driver",pod="d"}': is_up, 'up{job="pmem-system/pmem-extender",pod="e"}': '0+0x19'}


# (alert, what happens, series with a sample a minute, when it is looked at, what is raised then: pairs of labels and summary).
STORIES = (
    ('PmemExtenderAbsent', 'they went', {'pmem_extender_build_info': '1+0x3 stale'}, '9m', [({}, ABSENT)]),
    ('PmemExtenderAbsent', 'there is one', {'pmem_extender_build_info': '1+0x9'}, '9m', []),
    ('PmemExtenderWithoutLeader', 'nobody leads', of_each('leading', {'a': '1+0x3 0+0x9', 'b': '0+0x13'}), '9m', [({}, NO_LEADER)]),
    ('PmemExtenderWithoutLeader', 'one leads', of_each('leading', {'a': '1+0x9', 'b': '0+0x9'}), '9m', []),
    ('PmemExtenderTwoLeaders', 'both lead', of_each('leading', {'a': '1+0x9', 'b': '1+0x9'}), '9m',
     [({}, '2 extenders lead: each promises the same room again')]),
    ('PmemExtenderTwoLeaders', 'one leads', of_each('leading', {'a': '0+0x9', 'b': '1+0x9'}), '9m', []),
    ('PmemExtenderTwoLeaders', 'the lead changes', of_each('leading', {'a': '1+0x9', 'b': '0+0x8 1'}), '9m', []),
    ('PmemSchedulerDoesNotAsk', 'claims get nodes and nobody asks',
     asked(claims_placed='3+0x60 4+0x29', pins_written_total='7+0x90'), '85m', [({}, NOT_ASKED)]),
    ('PmemSchedulerDoesNotAsk', 'there is no placement controller', asked(claims_placed='3+0x60 4+0x29'), '85m', [({}, NOT_ASKED)]),
    ('PmemSchedulerDoesNotAsk', 'somebody asks',
     asked(**{'claims_placed': '3+0x60 4+0x29', 'pod_decisions_total{outcome="unmanaged"}': '0+0x70 1+0x19'}), '85m', []),
    ('PmemSchedulerDoesNotAsk', 'our placement controller writes',
     asked(claims_placed='3+0x60 4+0x29', pins_written_total='7+0x60 8+0x29'), '85m', []),
    ('PmemSchedulerDoesNotAsk', 'nothing happens', asked(claims_placed='3+0x90'), '85m', []),
    ('PmemSchedulerDoesNotAsk', 'claims go', asked(claims_placed='3+0x60 1+0x29'), '85m', []),
    ('PmemSchedulerDoesNotAsk', 'the extender starts anew', asked(claims_placed='3+0x69 0 3+0x19'), '85m', []),
    ('PmemSchedulerDoesNotAsk', 'the extender is new', asked(claims_placed='_x80 0 3+0x9'), '85m', []),
    ('PmemFilterErrors', 'each pod that is asked about', of_all('pod_decisions_total', 'outcome="error"', '0+1x30'), '20m',
     [({}, ERRORS)]),
    ('PmemFilterErrors', 'each is refused, as its claims cannot be read',
     of_all('pod_decisions_total', 'outcome="error"', '0+0x30') | of_all('node_rejections_total', 'reason="unread"', '0+3x30'), '20m',
     [({}, ERRORS)]),
    ('PmemFilterErrors', 'each is refused, as there is no room', of_all('node_rejections_total', 'reason="no_room"', '0+3x30'), '20m', []),
    ('PmemFilterErrors', 'the lead changes', of_all('pod_decisions_total', 'outcome="error"', '0+0x5 40+0x24'), '20m', []),
    ('PmemFilterErrors', 'all is well', of_all('pod_decisions_total', 'outcome="fit"', '0+1x30'), '20m', []),
    ('PmemExtenderLeaderChanges', 'every five minutes', of_each('leader_changes_total', {'a': '0+0.2x60', 'b': '0+0.2x60'}), '60m',
     [({}, 'The lead changes again and again: is the API server slow, or an extender starved')]),
    ('PmemExtenderLeaderChanges', 'an update', of_each('leader_changes_total', {'a': '1+0x30 2+0x29', 'b': '0+0x30 1+0x29'}), '60m', []),
    ('PmemCapacityObjectsBehind', 'those of the leader',
     of_each('capacity_objects_pending', {'a': '3+0x9', 'b': '3+0x9'}) | of_each('leading', {'a': '1+0x9', 'b': '0+0x9'}), '9m',
     [({'pod': 'a'}, 'Capacity objects do not follow: pods may wait for room that is there')]),
    ('PmemCapacityObjectsBehind', 'one at a time',
     of_each('capacity_objects_pending', {'a': '1 0 1 0 1 0 1 0 1 0', 'b': '3+0x9'}) | of_each('leading', {'a': '1+0x9', 'b': '0+0x9'}),
     '9m', []),
    ('PmemWatchSilent', 'nothing comes', {'pmem_extender_watch_silence_seconds{pod="a",kind="Pod"}': '0+60x9'}, '9m',
     [({'pod': 'a', 'kind': 'Pod'}, 'a hears nothing of Pod from the API server: what it knows is old')]),
    ('PmemWatchSilent', 'a bookmark a minute', {'pmem_extender_watch_silence_seconds{pod="a",kind="Pod"}': '60+0x9'}, '9m', []),
    ('PmemObjectsLeftOut', 'one comes', left_out('0+0x5 1+0x5'), '9m',
     [({'pod': 'a', 'kind': 'Pod'}, 'Pod that cannot be decoded are left out: the log of a names why')]),
    ('PmemObjectsLeftOut', 'it is there as the extender starts', left_out('_x70 1+0x9'), '75m',
     [({'pod': 'a', 'kind': 'Pod'}, 'Pod that cannot be decoded are left out: the log of a names why')]),
    ('PmemObjectsLeftOut', 'it came long ago', left_out('0+0x5 1+0x90'), '85m', []),
    ('PmemObjectsLeftOut', 'there is none', left_out('_x70 0+0x9'), '75m', []),
    ('PmemAgentSilent', 'the leader does not hear it', silent_agents('0+0x5 2+0x9', '0+0x5 2+0x9'), '12m',
     [({'pod': 'a', 'state': 'stale'}, 'Agents of 2 nodes are silent: these nodes take no new volumes')]),
    ('PmemAgentSilent', 'a follower alone does not', silent_agents('0+0x19', '2+0x19'), '9m', []),
    ('PmemAgentSilent', 'one after another starts anew', silent_agents('0+0x5 1+0x3 0+0x9', '0+0x19'), '9m', []),
    ('PmemNodeUnknown', 'both extenders see them', of_all('nodes', 'state="no_report"', '3+0x9'), '9m',
     [({}, '3 nodes have an agent that never reported')]),
    ('PmemNodeUnknown', 'they start', of_all('nodes', 'state="no_report"', '3+0x2 0+0x9'), '9m', []),
    ('PmemNodeWithoutAgent', 'both extenders see it', of_all('nodes', 'state="no_agent"', '1+0x9'), '9m',
     [({}, '1 nodes are to have PMEM and have no agent: they take no new volumes')]),
    ('PmemNodeWithoutAgent', 'a node is labelled', of_all('nodes', 'state="no_agent"', '0+0x5 1 0+0x9'), '9m', []),
    ('PmemDrift', 'it stays', of_all('drifts', 'kind="volume_missing"', '0 2+0x12'), '12m',
     [({'kind': 'volume_missing'}, '2 times volume_missing: nodes do not hold what the objects say; see drifts in /v1/nodes')]),
    ('PmemDrift', 'it ends', of_all('drifts', 'kind="volume_missing"', '0 2+0x5 0+0x9'), '12m', []),
    ('PmemPoolUnusable', 'it is unhealthy', {'pmem_agent_pool_state{pod="p",node="n1",pool="lvm/pmemvgregion0",state="unhealthy"}': '1+0x9'},
     '9m', [({'pod': 'p', 'node': 'n1', 'pool': 'lvm/pmemvgregion0', 'state': 'unhealthy'}, 'lvm/pmemvgregion0 of n1 is unhealthy')]),
    ('PmemPoolUnusable', 'all is well', {'pmem_agent_pool_state{pod="p",node="n1",pool="lvm/pmemvgregion0",state="ok"}': '1+0x9'},
     '9m', []),
    ('PmemPoolNearlyFull', 'a twentieth is left', of_pool(available_bytes='5+0x20', allocatable_bytes='100+0x20'), '20m',
     [(POOL, 'lvm/pmemvgregion0 of n1 has less than a tenth left')]),
    ('PmemPoolNearlyFull', 'a fifth is left', of_pool(available_bytes='20+0x20', allocatable_bytes='100+0x20'), '20m', []),
    ('PmemPoolNearlyFull', 'there is nothing to be had of it', of_pool(available_bytes='0+0x20', allocatable_bytes='0+0x20'), '20m', []),
    ('PmemRoomRunsOut', 'it goes and goes', of_pool(available_bytes='33-0.02x840', allocatable_bytes='100+0x840'), '10h55m',
     [({'node': 'n1', 'kind': 'lvm'}, 'n1 will have no room of kind lvm in three days')]),
    ('PmemRoomRunsOut', 'much is left', of_pool(available_bytes='100-0.04x840', allocatable_bytes='100+0x840'), '10h55m', []),
    ('PmemRoomRunsOut', 'one large volume', of_pool(available_bytes='40+0x300 20+0x539', allocatable_bytes='100+0x840'), '10h55m', []),
    ('PmemRoomRunsOut', 'it comes back', of_pool(available_bytes='20+0.01x840', allocatable_bytes='100+0x840'), '10h55m', []),
    ('PmemPoolFragmented', 'in small pieces',
     of_pool(fragmentation_ratio='0.6+0x20', available_bytes='30+0x20', allocatable_bytes='100+0x20'), '20m',
     [(POOL, 'More than half of the room of lvm/pmemvgregion0 of n1 is in small pieces')]),
    ('PmemPoolFragmented', 'it is full', of_pool(fragmentation_ratio='0.6+0x20', available_bytes='5+0x20', allocatable_bytes='100+0x20'),
     '20m', []),
    ('PmemPoolFragmented', 'one hole', of_pool(fragmentation_ratio='0.4+0x20', available_bytes='30+0x20', allocatable_bytes='100+0x20'),
     '20m', []),
    ('PmemLabelSlotsLow', 'fifteen', of_pool(label_slots_free='15+0x20'), '20m',
     [(POOL, 'lvm/pmemvgregion0 of n1 can name few more volumes')]),
    ('PmemLabelSlotsLow', 'sixteen', of_pool(label_slots_free='16+0x20'), '20m', []),
    ('PmemScanFails', 'each minute', {'pmem_agent_scans_total{pod="p",source="lvm",result="error"}': '0+1x20'}, '20m',
     [({'pod': 'p', 'source': 'lvm', 'result': 'error'},
       'p fails to read lvm again and again: its pools of that source take no new volumes')]),
    ('PmemScanFails', 'once', {'pmem_agent_scans_total{pod="p",source="lvm",result="error"}': '0+0x10 1+0x10',
                               'pmem_agent_scans_total{pod="p",source="lvm",result="ok"}': '0+1x20'}, '20m', []),
    ('PmemDriverDown', 'it does not answer', driver('1+0x3 0+0x9'), '12m',
     [({'job': 'pmem-system/pmem-csi-driver', 'pod': 'd'}, 'd does not answer: on its node no volume is made, mounted or removed')]),
    ('PmemDriverDown', 'it starts anew', driver('1+0x3 0 1+0x9'), '12m', []),
    *(('PmemDriverCallsFail', code, calls(code), '20m',
       [({'pod': 'p', 'method': 'CreateVolume'}, 'CreateVolume of p fails again and again: its log says why')])
      for code in ('DEADLINE_EXCEEDED', 'UNAVAILABLE', 'INTERNAL')),
    ('PmemDriverCallsFail', 'a provisioner asks every five minutes', calls('INTERNAL', '0+0.2x60'), '60m',
     [({'pod': 'p', 'method': 'CreateVolume'}, 'CreateVolume of p fails again and again: its log says why')]),
    ('PmemDriverCallsFail', 'three times', calls('INTERNAL', '0+0x20 3+0x40'), '60m', []),
    *(('PmemDriverCallsFail', code, calls(code), '20m', [])
      for code in ('RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION', 'ABORTED')),
    ('PmemHoldsExpire', 'one a minute', of_each('holds_expired_total', {'a': '0+1x30'}), '30m',
     [({'pod': 'a'}, 'Many pods are filtered and then neither placed nor given up')]),
    ('PmemHoldsExpire', 'five in all', of_each('holds_expired_total', {'a': '0+0x15 5+0x15'}), '30m', []),
    ('PmemFilterSlow', 'all take longer', filter_calls('0+0x20', '0+60x20'), '20m',
     [({}, 'One filter call in a hundred takes longer than half a second')]),
    ('PmemFilterSlow', 'one in a thousand', filter_calls('0+999x20', '0+1000x20'), '20m', []),
    ('PmemFilterSlow', 'nobody asks', filter_calls('5+0x20', '9+0x20'), '20m', []),
    ('PmemLedgerInconsistent', 'once', of_each('invariants_broken_total', {'a': '0+0x5 1+0x5'}), '9m',
     [({'pod': 'a'}, "The ledger contradicts itself: keep the extender's log and file a bug")]),
    ('PmemLedgerInconsistent', 'never', of_each('invariants_broken_total', {'a': '0+0x10'}), '9m', []),
)


def alone(rules, name):
    """The rules without all others, for promtool looks at each of them at each time."""
    groups = yaml.safe_load(rules.read_text())['groups']
    return {'groups': [{**group, 'rules': [rule]} for group in groups for rule in group['rules'] if rule['alert'] == name]}


def alerts_in(rules):
    """{name: rule}"""
    return {rule['alert']: rule for group in yaml.safe_load(rules.read_text())['groups'] for rule in group['rules']}


def test_promtool_accepts_the_rules(rules):
    done = subprocess.run(['promtool', 'check', 'rules', rules], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize('name, series, eval_time, raised', [(s[0], *s[2:]) for s in STORIES], ids=[f'{s[0]}-{s[1]}' for s in STORIES])
def test_an_alert_is_raised_as_often_as_it_should(rules, tmp_path, name, series, eval_time, raised):
    severity = alerts_in(rules)[name]['labels']
    path, own = tmp_path / 'story.yaml', tmp_path / 'rules.yaml'
    own.write_text(yaml.safe_dump(alone(rules, name)))
    path.write_text(yaml.safe_dump({'rule_files': [str(own)], 'tests': [{
        'interval': '1m',
        'input_series': [{'series': of, 'values': samples} for of, samples in series.items()],
        'alert_rule_test': [{'alertname': name, 'eval_time': eval_time, 'exp_alerts': [
            {'exp_labels': {**severity, **labels}, 'exp_annotations': {'summary': summary}}
            for labels, summary in raised]}]}]}))
    done = subprocess.run(['promtool', 'test', 'rules', path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_job_of_the_drivers_is_the_one_that_the_monitors_make(rules):
    made = [f'{m["metadata"]["namespace"]}/{m["metadata"]["name"]}' for m in yaml.safe_load_all(
        (MANIFESTS / 'components' / 'monitoring' / 'monitors.yaml').read_text())]
    wanted = re.search('job=~"(.*?)"', alerts_in(rules)['PmemDriverDown']['expr'])[1]
    assert [job for job in made if re.fullmatch(wanted, job)] == ['pmem-system/pmem-csi-driver']


def test_every_alert_is_tried_where_it_is_raised_and_where_it_is_not(rules):
    tried = {(name, bool(raised)) for name, _, _, _, raised in STORIES}
    assert tried == {(name, is_raised) for name in alerts_in(rules) for is_raised in (True, False)}


def test_an_alert_of_one_object_says_which():
    """Nobody should have to look at its labels: what it is about stands in what is read first."""
    for name, what, _, _, raised in STORIES:
        for labels, summary in raised:
            named = {label: value for label, value in labels.items() if label in ('node', 'pool', 'method')}
            assert all(value in summary for value in named.values()), (name, what, summary)
