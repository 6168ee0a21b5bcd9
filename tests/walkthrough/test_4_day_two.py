# SPDX-License-Identifier: Apache-2.0
"""What comes after the first day: growth, removal, killed programs, a drained node, a power cut, a lost node."""

import json
import re

import pytest

from harness import waiting
from test_1_install import WORKLOADS
from test_2_volumes import AVAILABLE, IMAGE, KINDS, READY, shown_bytes, source

GIB = 1 << 30
BLOCK_BYTES = 16 << 20
# kubelet looks for a new size when it next syncs the pod, and asks the driver after that.
GROWN_SECONDS = 240
# The claim that comes while a program is away: file, name there, what is waited for and until when. The driver is needed
# again for the pod.
WITH_A_POD = ('ephemeral', 'scratch', 'pod', '--for=condition=Ready')
BY_ITSELF = ('immediate', 'by-itself', 'pvc', "--for=jsonpath='{.status.phase}'=Bound")
PROGRAMS = {'driver': 'pmem-csi-driver', 'agent': 'pmem-capacity-agent', 'extender': 'pmem-extender'}
# One after the other; the last two without a wait in between.
KILLED = (('driver',), ('agent', 'extender'))


def grow(name, size):
    return f"""kubectl patch pvc {name} -p '{{"spec":{{"resources":{{"requests":{{"storage":"{size}"}}}}}}}}'"""


def report(page, node):
    """The report of the agent there, by the API server's way to the pod."""
    pod = page.quiet('kubectl -n pmem-system get pods -l app.kubernetes.io/name=pmem-capacity-agent '
                     f'--field-selector spec.nodeName={node} -o jsonpath={{.items[0].metadata.name}}')
    return json.loads(page.quiet(f'kubectl get --raw /api/v1/namespaces/pmem-system/pods/{pod}:9110/proxy/v1/capacity'))


def pool(page, node, kind):
    return next(p for p in report(page, node)['pools'] if p['kind'] == kind)


def capacity(node, storage_class):
    """A command that prints the capacity object of the node and class."""
    return ('kubectl -n pmem-system get csistoragecapacities -o jsonpath='
            f"""'{{range .items[?(@.storageClassName=="{storage_class}")]}}{{.nodeTopology.matchLabels}} {{.capacity}}{{"\\n"}}"""
            f"""{{end}}' | grep {node}""")


def notes_are_there(page, options=''):
    # After a power cut kubelet tries to mount before the driver is there again, each time after twice as long as before.
    for kind in KINDS:
        page.until(f'kubectl{options} exec deployment/deployment-{kind} -- cat /data/note', 'written by deployment-', seconds=400, poll=3)


def test_a_claim_grows_under_its_pod(page):
    page.chapter('A claim of lvm grows', 'Its request is edited; the pod goes on.')
    pod = page.quiet('kubectl get pod -l app=nginx-lvm -o name')
    before = shown_bytes(page.quiet('kubectl exec deployment/deployment-lvm -- df /data'))
    page.shell(grow('pmem-lvm', '11Gi'))
    page.until('kubectl get pvc pmem-lvm', r'Bound +\S+ +11Gi', seconds=GROWN_SECONDS)
    after = shown_bytes(page.shell('kubectl exec deployment/deployment-lvm -- df /data'))
    assert 0.9 * GIB < after - before <= GIB
    assert page.quiet('kubectl get pod -l app=nginx-lvm -o name') == pod


def test_a_direct_claim_does_not_grow(page):
    page.chapter('A claim of direct does not grow', 'The shipped class says so, and the API server refuses the edit.')
    refused = page.shell(grow('pmem-direct', '10Gi'), check=False)
    assert 'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize' in refused
    page.say('With the class that promises what cannot be, an Event says why nothing comes of it.')
    page.shell(f'kubectl wait pod/fixed {READY}', seconds=200)
    page.shell(grow('fixed', '128Mi'))
    page.until('kubectl get events --field-selector involvedObject.name=fixed,reason=VolumeResizeFailed '
               '-o custom-columns=REASON:.reason,MESSAGE:.message', 'VolumeResizeFailed .*direct')
    assert re.search(r'Bound +\S+ +64Mi', page.shell('kubectl get pvc fixed'))
    page.quiet('kubectl delete pod/fixed pvc/fixed')


def test_a_deleted_claim_gives_its_room_back_erased(cluster, page):
    page.chapter('A claim is deleted', 'Its room is in the report and in the capacity object again, and what was written is gone.')
    volume = page.quiet("kubectl get pvc block -o jsonpath='{.spec.volumeName}'")
    node = cluster.nodes['pmem-1']
    first_extent = node.run(f"lvs --noheadings -o seg_pe_ranges pmemvgregion0/{volume}").strip().split(':')[1].split('-')[0]
    start = node.run('pvs --noheadings --nosuffix --units b -o pe_start').strip()
    look = (f'dd if=/dev/pmem0 bs=1M count={BLOCK_BYTES >> 20} iflag=direct '
            f'skip=$((({start} + {first_extent} * 4194304) / 1048576)) 2>/dev/null')
    assert node.run(f"{look} | tr -d '\\0' | wc -c").strip() == str(BLOCK_BYTES)
    room = pool(page, 'pmem-1', 'lvm')['available_bytes']
    page.shell(capacity('pmem-1', 'pmem-lvm'))
    page.shell('kubectl delete pod/block pvc/block')
    page.until('kubectl get pvc,pv', rf'(?s)^(?!.*{volume})')
    page.until(capacity('pmem-1', 'pmem-lvm'), f' {_quantity(room + BLOCK_BYTES)}$')
    assert pool(page, 'pmem-1', 'lvm')['available_bytes'] == room + BLOCK_BYTES
    assert node.run(f"{look} | tr -d '\\0' | wc -c").strip() == '0'


def _quantity(size):
    """As the extender writes it: binary units as far as they go."""
    for unit, bits in (('Gi', 30), ('Mi', 20), ('Ki', 10)):
        if size % (1 << bits) == 0:
            return f'{size >> bits}{unit}'
    return str(size)


def containers(page, node):
    """{(pod UID, program): (times restarted, is ready)} of our own programs there."""
    pods = json.loads(page.quiet(f'kubectl -n pmem-system get pods --field-selector spec.nodeName={node} -o json'))['items']
    return {(pod['metadata']['uid'], status['name']): (status['restartCount'], status['ready'])
            for pod in pods for status in pod['status'].get('containerStatuses', []) if status['name'] in PROGRAMS}


@pytest.mark.parametrize('programs', KILLED, ids='-'.join)
def test_programs_are_killed(page, programs):
    page.chapter('Killed: ' + ', and then the '.join(programs), 'On one node its pod is, and the new one is made by the chart\'s workload '
                 'alone; on the other one the program is, and is started again in the same pod. Pods go on, and a claim that comes '
                 'meanwhile is served.')
    selectors = {each: f'-n pmem-system -l app.kubernetes.io/name={PROGRAMS[each]}' for each in programs}

    def pods(program):
        return set(page.quiet(f'kubectl get pods {selectors[program]} -o name').split())

    were = {each: pods(each) for each in programs}
    before = containers(page, 'pmem-1')
    assert {each for _, each in before} == set(PROGRAMS), before  # Or nothing would be killed there.
    for each, selector in selectors.items():
        page.shell(f'kubectl delete pods {selector} --field-selector spec.nodeName=pmem-2 --grace-period=0 --force 2>&1 | grep -v Warning')
        page.on_node('pmem-1', f'killall -KILL {PROGRAMS[each]}')
    file, name_there, what, served = WITH_A_POD if 'driver' in programs else BY_ITSELF
    name = f'beside-{programs[0]}'
    page.shell(f"sed 's/{{name: {name_there}}}$/{{name: {name}}}/' tests/walkthrough/objects/{file}.yaml | kubectl apply -f -")

    def have_started_again():
        now = containers(page, 'pmem-1')
        return now.keys() == before.keys() and all(
            is_ready and (restarts > before[who][0] or who[1] not in programs) for who, (restarts, is_ready) in now.items())

    waiting.until(have_started_again, f'{programs} on pmem-1 have started again: {before}', 240, poll=1)
    for each in programs:
        workload = ('deployment' if each == 'extender' else 'daemonset') + '/' + PROGRAMS[each]
        page.shell(f'kubectl -n pmem-system rollout status {workload} --timeout=240s', seconds=260)
        now = pods(each)
        assert len(now) == len(were[each]) and len(now & were[each]) == len(now) - 1, (were[each], now)
    # Longer than elsewhere: sidecars that lost their driver start again too, after kubelet's back-off.
    page.shell(f'kubectl wait {what}/{name} {served} --timeout=400s', seconds=420)
    notes_are_there(page)
    page.shell(f'kubectl delete {what} {name} --wait=false')


def test_a_node_of_both_kinds(page):
    page.quiet('kubectl delete statefulset/store pvc/data-store-0 pvc/data-store-1 --wait=false')
    page.chapter('A node of both kinds', 'The other node takes no pods for a moment: both claims go to pmem-1.')
    page.on_node('pmem-1', 'vgs; ndctl list -R')
    assert {p['kind'] for p in report(page, 'pmem-1')['pools'] if p['max_volume_bytes'] > 2 * GIB} == {'lvm', 'direct'}
    page.shell('kubectl create namespace both')
    page.shell('kubectl cordon pmem-2')
    for kind in KINDS:
        page.shell(f"sed '{IMAGE}; s/storage: .*Gi/storage: 1Gi/' manifests/examples/{kind}.yaml | kubectl -n both apply -f -")
    for kind in KINDS:
        page.shell(f'kubectl -n both wait deployment/deployment-{kind} {AVAILABLE}', seconds=200)
        volume = page.quiet(f"kubectl -n both get pvc pmem-{kind} -o jsonpath='{{.spec.volumeName}}'")
        assert re.search(source(kind, volume), page.shell(f'kubectl -n both exec deployment/deployment-{kind} -- df /data'))
        page.shell(f"kubectl -n both exec deployment/deployment-{kind} -- sh -c 'echo written by $(hostname) >/data/note; sync'")
    listed = page.shell('kubectl -n both get pods -o wide')
    assert listed.count(' pmem-1 ') == 2
    page.shell('kubectl uncordon pmem-2')


def test_a_node_is_drained(page):
    page.chapter('A node is drained', 'A pod with a volume there has to wait; its data stays.')
    page.shell('kubectl drain pmem-2 --ignore-daemonsets --delete-emptydir-data --force --grace-period=1 --timeout=180s', seconds=200)
    page.until('kubectl get pod -l app=nginx-direct', ' Pending ')
    page.until('kubectl get events --field-selector reason=FailedScheduling --sort-by=.metadata.creationTimestamp '
               '-o custom-columns=MESSAGE:.message | tail -n 1',
               "unschedulable|didn't match PersistentVolume's node affinity")
    page.shell('kubectl -n pmem-system get pods -o wide')
    page.shell('kubectl uncordon pmem-2')
    page.shell(f'kubectl wait deployment/deployment-direct {AVAILABLE}', seconds=200)
    notes_are_there(page)


BOTH_PODS = 'kubectl -n both get pods -o custom-columns=NAME:.metadata.name,UID:.metadata.uid'


@pytest.fixture(scope='module')
def before_the_cut(page):
    """(boot of pmem-1, its pods)"""
    return page.quiet('kubectl get node pmem-1 -o jsonpath={.status.nodeInfo.bootID}'), page.quiet(BOTH_PODS)


def test_the_power_fails(cluster, page, before_the_cut):
    page.chapter('A power cut', 'Both nodes lose their power. pmem-1 boots again; pmem-2 never comes back.')
    assert before_the_cut[0]
    # CNI writes what it did for a young pod without fsync. Cut off, that file is empty, and kubelet never gets beyond it.
    cluster.nodes['pmem-1'].run('sync')
    cluster.nodes['pmem-2'].power_off()
    cluster.cut_power('pmem-1')


def test_a_node_is_lost_for_good(page):
    page.chapter('A node is lost for good', 'What an operator does of pmem-2: docs/operations.md.')
    places = ('default', 'by-hand')
    lost = [page.quiet(f"kubectl -n {place} get pvc pmem-direct -o jsonpath='{{.spec.volumeName}}'") for place in places]
    page.shell('kubectl delete node pmem-2')
    page.say('Its claims and their pods are deleted, to be made anew where there is room.')
    for place in places:
        page.shell(f'kubectl -n {place} delete deployment/deployment-direct pvc/pmem-direct --wait=false')
        page.shell(f'kubectl -n {place} delete pod -l app=nginx-direct --force --grace-period=0 2>&1 | grep -v Warning')
        page.until(f'kubectl -n {place} get pvc', r'(?s)^(?!.*pmem-direct)')
    page.say('No driver is left that could delete the volumes; the objects are let go by hand.')
    for volume in lost:
        page.until(f'kubectl get pv {volume}', ' (Released|Failed) ')
        page.shell(f'kubectl delete pv {volume} --wait=false')
        page.shell(f"""kubectl patch pv {volume} --type merge -p '{{"metadata":{{"finalizers":null}}}}'""")
    assert not set(lost) & set(page.shell('kubectl get pv -o custom-columns=NAME:.metadata.name').split())


def test_the_power_is_back(cluster, page, before_the_cut):
    page.chapter('The power is back')
    boot, pods = before_the_cut
    cluster.nodes['pmem-1'].wait_for_door()
    page.until('kubectl get node pmem-1 -o jsonpath={.status.nodeInfo.bootID}', rf'^(?!{boot})\S+$', seconds=240)
    page.say('The pods are the same ones, and so is their data.')
    notes_are_there(page, ' -n both')
    assert page.quiet(BOTH_PODS) == pods
    for workload in WORKLOADS:
        page.shell(f'kubectl -n pmem-system rollout status {workload} --timeout=240s', seconds=260)
    for kind in KINDS:
        page.shell(f'kubectl -n both exec deployment/deployment-{kind} -- df /data')
    page.say('The node that is gone offers nothing any more.')
    page.until('kubectl -n pmem-system get csistoragecapacities -o custom-columns=NODE:.nodeTopology.matchLabels,CLASS:'
               '.storageClassName', r'(?s)^(?=.*pmem-1)(?!.*pmem-2)')
