# SPDX-License-Identifier: Apache-2.0
"""What the harness itself promises the tests."""
import threading

import pytest

from harness import control_plane, devices, objects, processes, stand_ins, waiting


class OneClaim:
    """An API server with one claim, whose class cannot be read at the first try and is waited for at the second."""

    def __init__(self):
        self.claim = objects.claim('data', pinned_to='n1')
        self.claim['metadata'] |= {'uid': '1', 'namespace': 'default'}
        self.claim['metadata']['annotations']['volume.kubernetes.io/storage-provisioner'] = objects.DRIVER
        self.tries = 0
        self.tries_again, self.may_go_on = threading.Event(), threading.Event()

    def watch(self, resource, stop):
        if resource == 'persistentvolumeclaims':
            yield 'ADDED', self.claim
        stop.wait()

    def find(self, *_):
        return self.claim

    def get(self, *_):
        self.tries += 1
        if self.tries == 1:
            raise OSError
        self.tries_again.set()
        self.may_go_on.wait(10)
        return objects.storage_class('pmem-lvm')

    def create(self, _):
        del self.claim['metadata']['annotations'][objects.SELECTED_NODE]


@pytest.fixture
def one_claim(tmp_path):
    """(client, provisioner) on a node with room for it."""
    client, node = OneClaim(), devices.SimulatedDevices(tmp_path / 'devices.json')
    node.write(devices.layout([devices.volume_group(100 * devices.GI)]))
    provisioner = stand_ins.FakeProvisioner(client, {'n1': node})
    yield client, provisioner
    provisioner.stop()


def test_the_fake_provisioner_is_not_idle_while_it_tries_again(one_claim):
    client, provisioner = one_claim
    provisioner.start()
    assert client.tries_again.wait(10)
    with pytest.raises(waiting.Timeout):
        waiting.until(provisioner.is_idle, 'it is idle', seconds=0.3)
    client.may_go_on.set()
    waiting.until(provisioner.is_idle, 'it is idle')
    assert provisioner.created == [('1', 'n1')]


def test_what_the_fake_provisioner_makes_slowly_is_made_at_once_when_the_delay_is_ended(one_claim):
    client, provisioner = one_claim
    client.tries, provisioner.delay_seconds = 1, 3600.0
    client.may_go_on.set()
    provisioner.start()
    waiting.until(lambda: not provisioner.is_idle(), 'it is at work')
    provisioner.end_delay()
    waiting.until(provisioner.is_idle, 'it is idle')
    assert provisioner.created == [('1', 'n1')]


@pytest.mark.parametrize('said, tries', [('bind: address already in use', 2), ('no such flag', 1)])
def test_a_program_whose_port_was_taken_meanwhile_is_started_again_and_no_other(said, tries):
    began = []

    def start():
        began.append(said)
        if len(began) == 1:
            raise processes.ProcessFailed(said)

    if tries == 1:
        with pytest.raises(processes.ProcessFailed):
            control_plane.retry(start)
    else:
        control_plane.retry(start)
    assert len(began) == tries
