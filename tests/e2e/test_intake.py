# SPDX-License-Identifier: Apache-2.0
"""The extender's own Kubernetes client against a real API server: restarts, lost history, the lease."""
import signal

import pytest

from harness import cluster, control_plane, kube, objects, processes, waiting

PROBE = cluster.PROGRAMS / 'tests' / 'e2e' / 'intake-probe'
KINDS = 5
OBJECTS = (('pods', 'default'), ('persistentvolumeclaims', 'default'), ('nodes', None), ('storageclasses', None))
TAKEOVER_SECONDS_MAX = 10
RECOVERY_SECONDS_MAX = 30


@pytest.fixture(scope='module')
def running(tmp_path_factory):
    """etcd and an API server."""
    supervisor = processes.Supervisor(tmp_path_factory.mktemp('intake') / 'logs')
    plane = control_plane.ControlPlane(tmp_path_factory.mktemp('control-plane'), cluster.BINARIES, supervisor)
    plane.start()
    yield plane
    plane.stop()


@pytest.fixture
def plane(running):
    """The same without any objects or probes of another test."""
    before = set(running.supervisor.running)
    yield running
    for name in set(running.supervisor.running) - before:
        running.supervisor.running.pop(name).kill()
    for kind in OBJECTS:
        running.admin.request('DELETE', kube.KubeClient.path(*kind), gracePeriodSeconds=0)
    waiting.until(lambda: not any(running.admin.list(*kind) for kind in OBJECTS), 'nothing is left')


def start_probe(plane, name='probe', *arguments):
    """The probe, once it has listed every kind."""
    probe = plane.supervisor.start(name, [PROBE, plane.kubeconfig, *arguments])
    waiting.until(lambda: count(probe, 'relisted') >= KINDS, 'every kind is listed')
    return probe


def lines(probe):
    return [line for line in probe.output().splitlines() if not line.startswith('{')]


def count(probe, start):
    return sum(line.startswith(start) for line in lines(probe))


def wait_for(probe, line, seconds=20):
    waiting.until(lambda: line in lines(probe), f'{probe.name} prints {line!r}', seconds)


def restart_api_server(plane):
    """Kills it, and starts it again at its old place."""
    old = plane.supervisor.running['kube-apiserver']
    old.kill()
    port = plane.server.rpartition(':')[2]
    new = plane.supervisor.start('kube-apiserver', plane.api_server_command(port))
    waiting.until(lambda: control_plane.answers(new, f'127.0.0.1:{port}', '/readyz', insecure=True),
                  'kube-apiserver is back', 60)


def test_every_kind_is_listed_and_followed_and_a_bound_pod_is_gone(plane):
    plane.admin.create(objects.node('n0'))
    probe = start_probe(plane)
    wait_for(probe, 'relisted n0')
    plane.admin.create(objects.node('n1'))
    plane.admin.create(objects.storage_class('pmem-lvm'))
    plane.admin.create(objects.claim('data'), 'default')
    plane.admin.create(objects.pod('db', claims=['data']), 'default')
    for line in ('seen n1', 'seen pmem-lvm', 'seen default/data', 'seen default/db'):
        wait_for(probe, line)
    plane.admin.request('POST', '/api/v1/namespaces/default/pods/db/binding', {
        'apiVersion': 'v1', 'kind': 'Binding', 'metadata': {'name': 'db'},
        'target': {'kind': 'Node', 'name': 'n1'}})
    wait_for(probe, 'gone default/db')
    assert probe.stop() == 0
    assert count(probe, 'relisted') == KINDS, 'nothing was listed twice'


def test_a_restarted_api_server_is_found_again_and_nothing_is_missed(plane):
    plane.admin.create(objects.node('n1'))
    probe = start_probe(plane)
    restart_api_server(plane)
    plane.admin.create(objects.node('n2'))
    # By the old stream's continuation, or, where the new server has no history, by a new list.
    waiting.until(lambda: {'seen n2', 'relisted n1 n2'} & set(lines(probe)), 'n2 is known',
                  RECOVERY_SECONDS_MAX)


def test_history_that_was_compacted_away_is_listed_anew(plane):
    plane.admin.create(objects.node('n1'))
    probe = start_probe(plane)
    probe.signal(signal.SIGSTOP)
    restart_api_server(plane)
    for i in range(5):
        plane.admin.create(objects.node(f'm{i}'))
    restart_api_server(plane)  # Its history begins now: what the probe wants to go on from is too old.
    probe.signal(signal.SIGCONT)
    waiting.until(lambda: 'relisted m0 m1 m2 m3 m4 n1' in lines(probe), 'all nodes are known',
                  RECOVERY_SECONDS_MAX)
    assert '"reason":"Expired"' in probe.output()


def test_the_lease_has_one_holder_and_passes_on_at_stop_kill_and_sleep(plane):
    a = start_probe(plane, 'a', 'default', 'a')
    wait_for(a, 'leads')
    b = start_probe(plane, 'b', 'default', 'b')
    a.stop()
    wait_for(b, 'leads', TAKEOVER_SECONDS_MAX)
    c = start_probe(plane, 'c', 'default', 'c')
    b.signal(signal.SIGSTOP)
    wait_for(c, 'leads', TAKEOVER_SECONDS_MAX)
    b.signal(signal.SIGCONT)
    wait_for(b, 'leads no more', TAKEOVER_SECONDS_MAX)
    c.kill()
    waiting.until(lambda: lines(b).count('leads') == 2, 'b leads again', TAKEOVER_SECONDS_MAX)
    lease = plane.admin.get('leases', 'probe', 'default')
    assert (lease['spec']['holderIdentity'], lease['spec']['leaseTransitions']) == ('b', 3)
