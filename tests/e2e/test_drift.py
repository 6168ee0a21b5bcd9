# SPDX-License-Identifier: Apache-2.0
"""What people do to the devices by hand: told while it lasts, and nothing is given away for it."""

from harness import door, waiting
from scene import GI, lvm


def drifts(scene, node):
    """{(kind, subject)} of the node's REST view."""
    status, view = scene.cluster.ask(f'/v1/nodes/{node}')
    assert status == 200
    return {(d['kind'], d['subject']) for d in view['drifts']}


def counted(scene, kind):
    with door.Door(scene.cluster.extender_address) as one:
        return one.metric('pmem_extender_drifts', kind=kind)


def test_a_volume_deleted_by_hand_and_one_made_by_hand_are_told_until_they_are_not(scene):
    node = scene.add_node(lvm(25))
    devices = scene.cluster.agents[node].devices
    scene.claim_and_pod('data')
    scene.wait_bound('data')
    scene.wait_known(node)
    assert drifts(scene, node) == set()
    uid = scene.get_claim('data')['metadata']['uid']
    stranger = 'disk-00000000-0000-4000-8000-00000000abcd'
    devices.delete(f'disk-{uid}')
    devices.create('lvm', stranger, GI)
    expected = {('volume_missing', uid), ('volume_unclaimed', stranger)}
    waiting.until(lambda: drifts(scene, node) == expected, 'both are told')
    assert counted(scene, 'volume_missing') == counted(scene, 'volume_unclaimed') == 1
    # Only what is there is given away.
    scene.claim_and_pod('too-large', '25Gi')
    scene.wait_refused('too-large')
    devices.create('lvm', f'disk-{uid}', 10 * GI)
    devices.delete(stranger)
    waiting.until(lambda: drifts(scene, node) == set(), 'all is as it was')
    assert counted(scene, 'volume_missing') == counted(scene, 'volume_unclaimed') == 0


def test_who_has_a_volume_in_a_pool_in_trouble_is_told_and_nobody_else_is_sent_there(scene):
    node = scene.add_node(lvm(25))
    devices = scene.cluster.agents[node].devices
    scene.claim_and_pod('data')
    scene.wait_bound('data')
    content = devices.read()
    content['volume_groups'][0]['state'] = 'unhealthy'
    devices.write(content)

    def told():
        return [e['message'] for e in scene.events_of('data') if e['reason'] == 'PmemPoolInTrouble']

    message = waiting.until(told, 'the claim has an Event')[0]
    assert f'lies in lvm/pmemvgregion0 on node {node}, which is unhealthy' in message
    scene.claim_and_pod('late')
    scene.wait_refused('late')
    assert 'PmemPoolInTrouble' not in {e['reason'] for e in scene.events_of('late')}
    del content['volume_groups'][0]['state']
    devices.write(content)
    assert scene.wait_bound('late') == node
