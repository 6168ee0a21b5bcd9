# SPDX-License-Identifier: Apache-2.0
"""Two replicas, one leader; whatever happens to it in a burst: all placed, nothing over-committed."""

import collections
import http.client
import json
import os
import shutil
import signal
import time

import pytest

import conftest
from harness import objects, replicas, waiting
from scene import lvm

# The order of the shipped timings, in seconds instead of many.
FAST = ('--lease-duration=3s', '--lease-renew-deadline=2s', '--lease-retry-period=500ms')
NODES, PER_NODE, GIB = 4, 5, 10
LEADER_LABEL = 'pmem.csi.alibabacloud.com/role=leader'


@pytest.fixture(scope='module')
def cluster(request):
    directory = conftest.RUNS / f'ha-{os.getpid()}'
    running = replicas.ReplicatedCluster(directory, [f'ha-{i:02}' for i in range(NODES * 3)])
    is_up = False
    try:
        running.start(extender_flags=(*conftest.IMPATIENT, *FAST))
        is_up = True
        yield running
    finally:
        running.stop()
        if request.session.testsfailed or not is_up:
            print(f'\nlogs: {directory / "logs"}')
        else:
            shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def leader(cluster):
    """The leader of a cluster in which all is well, now and afterwards."""
    yield cluster.heal()
    cluster.heal()


def labelled(cluster):
    pods = cluster.api.list('pods', replicas.SYSTEM, labelSelector=LEADER_LABEL)
    return {p['metadata']['name'] for p in pods}


def filter_args(scene, pod_name):
    """What kube-scheduler would send for the pod."""
    pod = scene.api.get('pods', pod_name, scene.kube_namespace)
    return {'Pod': pod, 'Nodes': None, 'NodeNames': scene.nodes}


class Burst:
    """Pods that fill the nodes exactly, half of them before and half of them after something happens."""

    def __init__(self, scene):
        self.scene = scene
        self.count = NODES * PER_NODE
        self.nodes = scene.add_nodes(*[lvm(PER_NODE * GIB)] * NODES)
        self._began = None

    def first_half(self):
        self._began = time.monotonic()
        for i in range(self.count // 2):
            self.scene.claim_and_pod(f'data-{i:02}', f'{GIB}Gi')

    def second_half(self):
        for i in range(self.count // 2, self.count):
            self.scene.claim_and_pod(f'data-{i:02}', f'{GIB}Gi')

    def check(self, capsys, what):
        placed = self.scene.wait_all_scheduled(self.count, seconds=90)
        sent = collections.Counter(
            c['metadata']['annotations'][objects.SELECTED_NODE]
            for c in self.scene.api.list('persistentvolumeclaims', self.scene.kube_namespace)
        )
        over = sum(max(0, count - PER_NODE) for count in sent.values())
        failed = len(self.scene.failed_creations())
        with capsys.disabled():
            print(
                f'\n  {what}: {len(placed)} of {self.count} placed in '
                f'{time.monotonic() - self._began:.1f} s, {over} over-committed, {failed} failed creations'
            )
        assert collections.Counter(placed.values()) == {node: PER_NODE for node in self.nodes}
        assert (over, failed, self.scene.cluster.audit()) == (0, 0, [])


def test_the_service_leads_to_the_leader_and_followers_answer_reads(scene, leader):
    node = scene.add_node(lvm(20))
    follower = next(r for r in scene.cluster.replicas if r is not leader)
    assert labelled(scene.cluster) == {leader.name}
    assert follower.ask('/readyz') == (
        200,
        {'ready': False, 'synced': True, 'leading': False, 'unsynced': [], 'awaited': [], 'agents_silent': []},
    )
    waiting.until(
        lambda: follower.ask(f'/v1/nodes/{node}')[1]['kinds']
        == leader.ask(f'/v1/nodes/{node}')[1]['kinds'],
        'the follower knows what the leader knows',
    )


def test_a_follower_refuses_and_parts_from_who_asks(scene, leader):
    """kube-scheduler keeps its connection; a new one finds the leader."""
    scene.add_node(lvm(20))
    scene.claim('data')
    scene.pod('data', 'data', schedulerName='nobody')
    follower = next(r for r in scene.cluster.replicas if r is not leader)
    body = json.dumps(filter_args(scene, 'data'))
    waiting.until(lambda: _post(follower, 'filter', body)[1].get('Error'), 'the follower knows it')
    status, answer, connection = _post(follower, 'filter', body)
    assert (status, answer['Error'], connection) == (200, 'not the leader', 'close')
    for verb in ('prioritize', 'preempt'):
        arguments = body if verb == 'prioritize' else json.dumps(
            {'Pod': json.loads(body)['Pod'], 'NodeNameToMetaVictims': {}})
        status, problem, connection = _post(follower, verb, arguments)
        assert (status, problem['detail'], connection) == (503, 'not the leader', 'close')
    assert _post(leader, 'filter', body)[1]['NodeNames'] == scene.nodes


def _post(replica, verb, body):
    connection = http.client.HTTPConnection(replica.address, timeout=5)
    connection.request('POST', f'/scheduler/{verb}', body, {'Content-Type': 'application/json'})
    answer = connection.getresponse()
    value = json.loads(answer.read())
    connection.close()
    return answer.status, value, answer.getheader('Connection')


def test_leader_killed_in_a_burst(scene, leader, capsys):
    burst = Burst(scene)
    burst.first_half()
    leader.process.kill()
    killed = time.monotonic()
    burst.second_half()
    scene.cluster.wait_leader(other_than=leader)
    took = time.monotonic() - killed
    burst.check(capsys, f'leader killed, {took:.1f} s to the next one')


def test_leader_stopped_past_its_lease_wakes_up_as_a_follower(scene, leader, capsys):
    burst = Burst(scene)
    burst.first_half()
    leader.process.signal(signal.SIGSTOP)
    stopped = time.monotonic()
    successor = scene.cluster.wait_leader(other_than=leader)
    took = time.monotonic() - stopped
    leader.process.signal(signal.SIGCONT)
    burst.second_half()
    scene.claim('probe', f'{GIB}Gi')
    scene.pod('probe', 'probe', schedulerName='nobody')
    status, answer, _ = _post(leader, 'filter', json.dumps(filter_args(scene, 'probe')))
    assert (status, answer['Error']) == (200, 'not the leader')
    assert (successor.leads(), leader.leads()) == (True, False)
    assert labelled(scene.cluster) == {successor.name}
    scene.delete_pod('probe')
    scene.delete_claim('probe')
    burst.check(capsys, f'leader stopped past its lease, {took:.1f} s to the next one')


def test_leader_cut_off_from_the_api_server(scene, leader, capsys):
    """It hears nothing, and nobody tells it; it stops by its own clock before another one begins."""
    burst = Burst(scene)
    burst.first_half()
    leader.link.cut()
    cut = time.monotonic()
    burst.second_half()
    scene.cluster.wait_leader(other_than=leader)
    took = time.monotonic() - cut
    assert not leader.leads()
    burst.check(capsys, f'leader cut off, {took:.1f} s to the next one')
    leader.link.mend()
    waiting.until(lambda: leader.ask('/readyz')[0] == 200, 'it is a follower in step again')


def test_etcd_and_api_server_restarted_under_it(scene, leader, capsys):
    burst = Burst(scene)
    burst.first_half()
    scene.cluster.control_plane.restart_store()
    burst.second_half()
    scene.cluster.wait_leader()
    burst.check(capsys, 'etcd and API server restarted')


def test_the_deployment_is_rolled(scene, leader, capsys):
    """Each old one ends once a new one is ready, the leader first."""
    burst = Burst(scene)
    burst.first_half()
    took = []
    for old in sorted(scene.cluster.replicas, key=lambda r: r is not leader):
        fresh = scene.cluster.add_replica()
        waiting.until(lambda: fresh.ask('/readyz')[0] == 200, f'{fresh.name} is ready', 40)
        was_leader = old.leads()
        began = time.monotonic()
        old.process.signal(signal.SIGTERM)
        if was_leader:
            scene.cluster.wait_leader(other_than=old)
            took.append(f'{time.monotonic() - began:.1f} s')
        scene.cluster.remove_replica(old)
        assert old.process.exit_code() == 0
    burst.second_half()
    burst.check(capsys, f'rolled, {", ".join(took)} to the next leader')


def test_a_leader_that_is_cut_off_ends_in_time(scene, leader):
    """It can give nothing up: nobody answers. Its successor comes when the lease is over."""
    leader.link.cut()
    began = time.monotonic()
    leader.process.signal(signal.SIGTERM)
    waiting.until(lambda: leader.process.exit_code() is not None, 'it has ended', 10)
    assert time.monotonic() - began < 6
    scene.cluster.wait_leader(other_than=leader)


def lease(cluster):
    return cluster.api.get('leases', 'pmem-extender', replicas.SYSTEM)['spec']


def wait_renewed(cluster, times, holder):
    """The Lease is renewed so often, by that holder each time."""
    for _ in range(times):
        before = lease(cluster)
        assert before['holderIdentity'] == holder
        waiting.until(
            lambda: lease(cluster)['renewTime'] != before['renewTime'], 'the lease is renewed'
        )


def test_the_lease_is_shared_with_a_client_go_candidate(scene, leader):
    """A kube-scheduler that runs for the same Lease: each waits for the other, and takes what is given up."""
    cluster = scene.cluster
    election = {
        'leaderElect': True,
        'resourceNamespace': replicas.SYSTEM,
        'resourceName': 'pmem-extender',
        'leaseDuration': '3s',
        'renewDeadline': '2s',
        'retryPeriod': '500ms',
    }
    other = cluster.control_plane.start_scheduler(
        name='candidate', profile='nobody-uses-it', election=election
    )
    try:
        other.wait_for_line('Attempting to acquire leader lease')
        wait_renewed(cluster, 4, leader.name)
        for replica in list(cluster.replicas):
            cluster.remove_replica(replica)
        waiting.until(
            lambda: lease(cluster)['holderIdentity'] not in ('', leader.name), 'it has the lease'
        )
        ours = cluster.add_replica()
        wait_renewed(cluster, 4, lease(cluster)['holderIdentity'])
        assert ours.ask('/readyz')[0] == 200 and not ours.leads()
    finally:
        other.stop()
    assert cluster.wait_leader() is ours
