# SPDX-License-Identifier: Apache-2.0
"""The driver is killed at every step of creating and of removing a volume; the next one finishes the work.

So is the agent at some of them, in the same moment: the next one finds a volume half-made, and is at work while the driver
finishes it.
"""

import time

import pytest

from calls import Refused, creation, mounted
from guest import IS_WHOLE, MIB
from harness import waiting
from test_changes import has_volume

# kill_at.cc says what counts as a step.
KILL_AT = '/tmp/kill-at'
WITH_CRASHES = f'LD_PRELOAD=/usr/bin/libkill-at.so KILL_AT_FILE={KILL_AT}'
STEPS_MAX = 60
# To wait for the agent takes a quarter of the time, and it finds at most of the steps what it found at the one before.
AGENT_DIES_AT = range(1 if IS_WHOLE else 3, STEPS_MAX, 1 if IS_WHOLE else 4)
AGREE_SECONDS_MAX = 10  # Far less than the agent's next re-read.
ASKED_AGAIN_MAX = 8  # In one test, of some fifty calls; more says that something hangs, and no busy machine.
CREATE = 'csi.v1.Controller/CreateVolume'
DELETE = 'csi.v1.Controller/DeleteVolume'


# Direct volumes are made without LVM, and asking it in each call takes longer than the rest.
FLAGS = {'lvm': ['--erase=signatures'], 'direct': ['--erase=signatures', '--lvm-command=none']}


@pytest.fixture
def fragile(driver, kind):
    """A driver that crashes when the test says so; afterwards an ordinary one."""
    driver.kill()
    driver.start(*FLAGS[kind], environment=WITH_CRASHES)
    yield driver
    driver.kill()
    driver.start()


def free_bytes(guest, regions, kind):
    """{pool: bytes free} of those that the volume may be in, as the tools say it."""
    if kind == 'lvm':
        lines = guest.run('vgs --noheadings --units b --nosuffix -o vg_name,vg_free').splitlines()
        return {f'lvm/{name}': int(free) for name, free in map(str.split, lines)}
    region = regions['direct']
    return {f'direct/{region}': int(guest.run(f'cat /sys/bus/nd/devices/{region}/available_size'))}


def wait_agent_agrees(guest, agent, regions, kind, is_there):
    """Until the agent reports of the pools what is on the devices, and the volume if it is there."""
    free = free_bytes(guest, regions, kind)

    def said():
        pools = [pool for pool in agent.report()['pools'] if pool['id'] in free]
        return ({pool['id']: pool['available_bytes'] for pool in pools},
                any(v['name'] == 'disk-killed' for pool in pools for v in pool['volumes']))

    there = (free, is_there)
    waiting.until(said, f'the agent says {there}', AGREE_SECONDS_MAX, accepts=lambda seen: seen == there)


class Watch:
    """Says what the time went into, a line for each kill (-s shows them)."""

    def __init__(self, kind):
        self._kind = kind
        self._began = time.monotonic()
        self._laps = []

    def lap(self, what):
        """All since the last lap was `what`."""
        now = time.monotonic()
        self._laps.append(f'{what} {now - self._began:.1f}')
        self._began = now

    def tell(self, step, method):
        print(f"guest: {self._kind}: killed at step {step} of {method.split('/')[1]}, seconds: {', '.join(self._laps)}")
        self._laps = []


def killed_at(guest, driver, agent, kind, step, method, request, watch):
    """Makes the call, which is to end at that step, at some the agent with it. False: it was over before, and went well."""
    guest.run(f'echo {step} >{KILL_AT}')
    watch.lap('before')
    answer = driver.answer(method, request)
    watch.lap('the call')
    if answer['code'] == 'OK':
        guest.run(f'rm {KILL_AT}')  # An error when it is not there: the driver was killed, and yet it answered.
        return False
    assert answer['code'] == 'UNAVAILABLE', (step, method, answer)
    if step in AGENT_DIES_AT:
        agent.crash()
        watch.lap('agent')
    driver.start(*FLAGS[kind], environment=f'[ ! -e {KILL_AT} ] || exit 1; {WITH_CRASHES}')
    watch.lap('driver')
    return True


class Patience:
    """Asks again, as external-provisioner does, for what a busy machine was too slow for; so often, and says so."""

    def __init__(self):
        self.asked_again = 0

    def answer(self, driver, method, request):
        answer = driver.answer(method, request)
        if answer['code'] != 'DEADLINE_EXCEEDED':
            return answer
        self.asked_again += 1
        print(f'guest: {method} is asked for again, time {self.asked_again} of {ASKED_AGAIN_MAX} at most: {answer}')
        assert self.asked_again <= ASKED_AGAIN_MAX
        return driver.answer(method, request)


@pytest.mark.parametrize('kind,steps_min', [('lvm', 6), ('direct', 12)])
def test_what_is_killed_at_any_step_leaves_what_the_next_one_finishes(guest, fragile, agent, regions, unchanged,
                                                                     kind, steps_min):
    create = (CREATE, creation('disk-killed', 64 * MIB, kind))
    delete = (DELETE, {'volume_id': 'disk-killed'})
    others = set(fragile.volumes())
    killed = {CREATE: 0, DELETE: 0}
    patience, watch = Patience(), Watch(kind)
    for step in range(1, STEPS_MAX):
        before = dict(killed)
        for method, request in (create, delete):
            # Past the last step of one, it is called to have something to remove, or nothing.
            if killed[method] == step - 1 and killed_at(guest, fragile, agent, kind, step, method, request, watch):
                killed[method] += 1
                answer = patience.answer(fragile, method, request)
                assert answer['code'] == 'OK', (step, method, answer)
                watch.lap('the call again')
                wait_agent_agrees(guest, agent, regions, kind, method == CREATE)
                if method == DELETE:
                    assert set(fragile.volumes()) == others
                watch.lap('agreement')
                watch.tell(step, method)
            elif killed[method] != step - 1:
                assert patience.answer(fragile, method, request)['code'] == 'OK'
        if killed == before:
            break
    else:
        pytest.fail(f'{STEPS_MAX - 1} steps were tried, and there are more')
    print(f'\nguest: {kind}: killed at {killed[CREATE]} steps of creation, {killed[DELETE]} of removal')
    assert killed[CREATE] >= steps_min and killed[DELETE] >= 3


# The first steps of a direct creation: uuid, name and size of its room, and that the kernel is to tell of it.
ROOM_IS_TOLD_AT = 4


@pytest.mark.parametrize('kind', ['direct'])
def test_the_agent_hears_of_room_that_is_taken_before_the_volume_is_enabled(guest, fragile, agent, regions, unchanged, kind):
    """That takes the kernel minutes for terabytes, and it makes no event before."""
    guest.run(f'echo {ROOM_IS_TOLD_AT + 1} >{KILL_AT}')
    assert fragile.answer(CREATE, creation('disk-room', 64 * MIB, kind))['code'] == 'UNAVAILABLE'
    waiting.until(agent.report, 'the agent tells of the room', AGREE_SECONDS_MAX,
                  accepts=has_volume('direct/' + regions['direct'], 'new-disk-room'))
    fragile.start(*FLAGS[kind])


@pytest.fixture
def formatting(driver):
    """A driver whose mkfs.xfs crashes when the test says so; afterwards an ordinary one."""
    driver.kill()
    driver.start(*FLAGS['direct'], environment=f'{WITH_CRASHES} KILL_PROGRAM=mkfs.xfs')
    yield driver
    driver.kill()
    driver.start()


def test_what_a_killed_mkfs_left_is_formatted_by_the_next_stage(guest, formatting, unchanged):
    name, capability = 'disk-xfs', mounted('xfs')
    for step in (5, 50):  # Writes, of some sixty: the first ones wipe, the third is the superblock.
        formatting.create(name, 320 * MIB, 'direct', capability)
        guest.run(f'echo {step} >{KILL_AT}')
        with pytest.raises(Refused, match='UNAVAILABLE'):
            formatting.stage(name, capability)
        guest.run(f'[ ! -e {KILL_AT} ]')
        device = next(one['blockdev'] for one in guest.json('ndctl list -N') if one.get('name') == name)
        assert 'TYPE=xfs' in guest.run(f'blkid -p -o export /dev/{device}')
        formatting.stage(name, capability)
        target = formatting.publish(name, capability)
        guest.run(f'echo kept >{target}/data')
        formatting.remove(name)
