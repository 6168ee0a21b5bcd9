# SPDX-License-Identifier: Apache-2.0
"""Volumes of the simulated devices from creation to removal, with what may go wrong between."""

import fcntl
import os
import pathlib
import re
import resource
import signal
import subprocess
import time
import urllib.request

import pytest

from calls import BLOCK, Refused, creation, mounted
from driver import PROGRAM
from harness import devices, waiting

GI = devices.GI
MI = 1 << 20
END_SECONDS_MAX = 8  # kStopSecondsMax, on a busy machine.
CONNECTIONS_MAX = 8192  # kConnectionsDefaultMax
CREATE = 'csi.v1.Controller/CreateVolume'
BOTH = devices.layout([devices.volume_group(20 * GI)], [devices.region(20 * GI)])


def mount_of(path):
    """(source, type) as the kernel has it."""
    rows = [line.split() for line in pathlib.Path('/proc/mounts').read_text().splitlines()]
    return next(((row[0], row[2]) for row in rows if row[1] == path), None)


def sizes(driver):
    return {name: size for _, name, size in driver.devices.volumes()}


def insist(call, *arguments):
    """Calls again while the driver is at work on the volume, as external-provisioner does: what was left half made goes beside."""

    def is_done():
        try:
            call(*arguments)
        except Refused as refused:
            assert refused.code == 'ABORTED', refused
            return False
        return True

    waiting.until(is_done, 'nobody else is at work on the volume')


@pytest.mark.parametrize('file_system', ['ext4', 'xfs'])
@pytest.mark.parametrize('kind', ['lvm', 'direct'])
def test_a_volume_lives_and_keeps_its_data(driver, kind, file_system):
    driver.start(BOTH)
    capability = mounted(file_system, ['noatime'])
    volume = driver.create('disk-1', GI - 1, kind, capability)
    assert (volume['volume_id'], int(volume['capacity_bytes'])) == ('disk-1', GI)
    driver.stage('disk-1', capability)
    target = pathlib.Path(driver.publish('disk-1', capability))
    assert mount_of(str(target))[1] == file_system
    (target / 'data').write_text('kept')
    driver.unpublish('disk-1')
    driver.unstage('disk-1')
    assert not target.exists() and driver.leftovers() == []
    driver.stage('disk-1', capability)
    driver.publish('disk-1', capability)
    assert (target / 'data').read_text() == 'kept'
    driver.remove('disk-1')
    assert driver.volumes() == {} and sizes(driver) == {}


def test_nothing_of_a_deleted_volume_is_seen_in_the_next(driver):
    driver.start(devices.layout([devices.volume_group(GI)]))
    for name in ('disk-1', 'disk-2'):
        driver.create(name, GI, capability=BLOCK)
        driver.stage(name, BLOCK)
        path = driver.publish(name, BLOCK)
        with open(path, 'rb+', buffering=0) as device:
            assert device.read(MI) == bytes(MI)
            device.seek(0)
            device.write(b'secret' * 1000)
            os.fsync(device.fileno())
        driver.remove(name)


def test_a_mounted_volume_is_not_deleted(driver):
    driver.start(BOTH)
    driver.create('disk-1', GI)
    driver.stage('disk-1')
    assert driver.code('csi.v1.Controller/DeleteVolume', {'volume_id': 'disk-1'}) == 'FAILED_PRECONDITION'
    assert 'disk-1' in driver.volumes()
    driver.unstage('disk-1')
    driver.delete('disk-1')


@pytest.mark.parametrize('kind', ['lvm', 'direct'])
def test_a_published_block_volume_is_not_deleted(driver, kind):
    """Also while no pod has it open: the device node at the pod's path is all that tells."""
    driver.start(BOTH)
    driver.create('disk-1', GI, kind, BLOCK)
    driver.stage('disk-1', BLOCK)
    path = driver.publish('disk-1', BLOCK)
    with pytest.raises(Refused, match=f'FAILED_PRECONDITION.*is in use: published at {path}$'):
        driver.delete('disk-1')
    with open(path, 'rb') as device:
        assert len(device.read(MI)) == MI
    driver.remove('disk-1')
    assert driver.volumes() == {}


def test_a_mounted_xfs_volume_grows_with_its_data(driver):
    driver.start(BOTH)
    xfs = mounted('xfs')
    driver.create('disk-1', GI, capability=xfs)
    driver.stage('disk-1', xfs)
    target = pathlib.Path(driver.publish('disk-1', xfs))
    (target / 'data').write_text('kept')
    before = os.statvfs(target)
    assert driver.expand('disk-1', 2 * GI) == 2 * GI
    assert os.statvfs(target).f_blocks > 1.8 * before.f_blocks
    assert (target / 'data').read_text() == 'kept'
    stats = driver.call(
        'csi.v1.Node/NodeGetVolumeStats', {'volume_id': 'disk-1', 'volume_path': str(target)}
    )
    assert [row['unit'] for row in stats['usage']] == ['BYTES', 'INODES']
    driver.remove('disk-1')


def test_a_read_only_publish_cannot_be_written(driver):
    driver.start(BOTH)
    driver.create('disk-1', GI)
    driver.stage('disk-1')
    target = pathlib.Path(driver.publish('disk-1', readonly=True))
    with pytest.raises(OSError, match='Read-only'):
        (target / 'data').write_text('x')
    driver.remove('disk-1')


def test_a_read_only_publish_that_was_cut_short_is_finished(driver):
    """The bind mount is there, writable: the driver was killed before it made it read-only."""
    driver.start(BOTH)
    driver.create('disk-1', GI)
    driver.stage('disk-1')
    target = pathlib.Path(driver.publish('disk-1'))
    with open(target / 'data', 'w', encoding='ascii'), pytest.raises(Refused, match='FAILED_PRECONDITION'):
        driver.publish('disk-1', readonly=True)
    for _ in range(2):
        driver.publish('disk-1', readonly=True)
        with pytest.raises(OSError, match='Read-only'):
            (target / 'data').write_text('x')
    driver.remove('disk-1')


def test_a_volume_with_mount_option_ro_is_published_twice(driver):
    driver.start(BOTH)
    driver.create('disk-1', GI)
    driver.stage('disk-1')
    driver.unstage('disk-1')
    capability = mounted(options=['ro'])
    driver.stage('disk-1', capability)
    for readonly in (False, False, True):
        driver.publish('disk-1', capability, readonly)
    driver.remove('disk-1')


def test_a_volume_is_not_published_from_where_another_is_staged(driver):
    driver.start(BOTH)
    for name in ('disk-1', 'disk-2'):
        driver.create(name, GI)
        driver.stage(name)
    request = {'volume_id': 'disk-1', 'staging_target_path': driver.staging('disk-2'),
               'target_path': f'{driver.root}/pod', 'volume_capability': mounted()}
    assert driver.code('csi.v1.Node/NodePublishVolume', request) == 'FAILED_PRECONDITION'
    for name in ('disk-1', 'disk-2'):
        driver.unstage(name)
        driver.delete(name)


@pytest.mark.parametrize('spelling', ['{}/', '{}/./', '{}/../disk-1', 'link'])
def test_a_path_is_the_same_however_it_is_written(driver, spelling):
    driver.start(BOTH)
    driver.create('disk-1', GI)
    driver.stage('disk-1')
    path = spelling.format(driver.staging('disk-1'))
    if spelling == 'link':
        path = f'{driver.root}/link/disk-1'
        pathlib.Path(f'{driver.root}/link').symlink_to(f'{driver.root}/staging')
    request = {'volume_id': 'disk-1', 'staging_target_path': path}
    driver.call('csi.v1.Node/NodeStageVolume', {**request, 'volume_capability': mounted()})
    driver.call('csi.v1.Node/NodeUnstageVolume', request)
    assert driver.leftovers() == []
    driver.delete('disk-1')


def test_the_socket_is_for_its_owner_alone(driver):
    driver.start(BOTH)
    assert driver.socket.stat().st_mode & 0o777 == 0o600


def test_eight_at_once_take_their_room_once_each(driver):
    driver.start(devices.layout(regions=[devices.region(5 * GI)]))
    calls = [driver.spawn(CREATE, creation(f'disk-{i}', GI, 'direct')) for i in range(8)]
    codes = sorted(call.answer()['code'] for call in calls)
    assert codes == ['OK'] * 5 + ['RESOURCE_EXHAUSTED'] * 3
    assert devices.audit(driver.devices.read()) == [] and len(sizes(driver)) == 5


def test_a_fragmented_region_refuses_alike_everywhere(driver):
    driver.start(devices.layout(regions=[devices.region(3 * GI)]))
    for name in ('disk-a', 'disk-b', 'disk-c'):
        driver.create(name, GI, 'direct')
    driver.delete('disk-a')
    driver.delete('disk-c')
    assert driver.capacity('direct') == (2 * GI, GI)
    assert driver.code(CREATE, creation('disk-d', GI + 1, 'direct')) == 'RESOURCE_EXHAUSTED'
    driver.create('disk-d', GI, 'direct')


def test_a_driver_killed_at_any_moment_leaves_what_the_next_one_can_finish(driver):
    driver.start(BOTH)
    for round_number in range(12):
        before = set(sizes(driver))
        name = f'disk-{round_number}'
        kind = ('lvm', 'direct')[round_number % 2]
        calls = [
            driver.spawn(CREATE, creation(name, GI, kind)),
            driver.spawn('csi.v1.Controller/DeleteVolume', {'volume_id': f'disk-{round_number - 1}'}),
        ]
        # Before anything is done, then after one of the two, then after both but perhaps for the answers.
        steps = round_number % 3
        waiting.until(lambda: len(set(sizes(driver)) ^ before) >= steps, f'{steps} are done', poll=0.001)
        driver.process.kill()
        for call in calls:
            call.answer()
        driver.start()
        insist(driver.create, name, GI, kind)
        insist(driver.delete, f'disk-{round_number - 1}')
        assert driver.volumes() == {name: GI} and devices.audit(driver.devices.read()) == []


def test_it_serves_while_what_was_left_half_made_is_still_there(driver):
    left = {**devices.volume_group(20 * GI), 'volumes': [{'name': 'new-disk-9', 'size_bytes': GI}]}
    driver.devices.write(devices.layout([left], [devices.region(20 * GI)]))
    with open(f'{driver.devices.path}.lock', 'w', encoding='ascii') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # Who changes the devices waits for it.
        driver.start()
        assert list(sizes(driver)) == ['new-disk-9'] and driver.volumes() == {}
    waiting.until(lambda: not sizes(driver), 'it is gone')


def test_its_calls_are_counted_and_it_says_that_it_serves(driver):
    driver.start(BOTH, '--listen=127.0.0.1:0')
    address = driver.process.wait_for_line('metrics on (.+)')[1]
    driver.create('disk-1', GI)
    driver.code(CREATE, creation('disk-2', 1 << 50))

    def get(path):
        return urllib.request.urlopen(f'http://{address}{path}', timeout=10).read().decode()

    assert (get('/livez'), get('/readyz')) == ('ok\n', 'ok\n')
    for code in ('OK', 'RESOURCE_EXHAUSTED'):
        assert f'pmem_csi_calls_total{{code="{code}",method="CreateVolume"}} 1\n' in get('/metrics')


def test_the_driver_ends_in_time_and_takes_its_socket_along(driver):
    driver.start(BOTH)
    assert driver.process.stop() == 0
    assert not driver.socket.exists()


def test_the_driver_ends_in_time_while_a_call_hangs(driver):
    driver.start(BOTH)
    driver.create('disk-1', GI)
    driver.replace_program('blkid', f'touch {driver.directory}/hangs; exec sleep 25')
    request = {'volume_id': 'disk-1', 'staging_target_path': f'{driver.root}/s', 'volume_capability': mounted()}
    call = driver.spawn('csi.v1.Node/NodeStageVolume', request)
    waiting.until((driver.directory / 'hangs').exists, 'blkid hangs')
    began = time.monotonic()
    assert driver.process.stop(seconds=END_SECONDS_MAX) == 128 + signal.SIGALRM
    assert time.monotonic() - began < END_SECONDS_MAX and call.answer()['code'] != 'OK'
    (driver.programs / 'blkid').unlink()
    driver.start()
    driver.stage('disk-1')
    driver.remove('disk-1')


def test_every_connection_that_it_lets_in_has_a_descriptor(driver):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))  # As a container may begin.
    try:
        driver.start(BOTH)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    soft, hard = resource.prlimit(driver.process.pid, resource.RLIMIT_NOFILE)
    assert soft == hard or soft > CONNECTIONS_MAX


def test_init_says_what_it_saw_also_where_there_is_nothing_to_do():
    init = [PROGRAM, 'init', '--lvm-command=none', '--region-pattern=no-such-region', '--dry-run']
    for kind, said in [('none', 'kind none: nothing to do\n'),
                       ('direct', r'warning: .*: \d+ regions seen, 0 match --region-pattern, 0 to change\n')]:
        done = subprocess.run([*init, f'--kind={kind}'], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and re.fullmatch(said, done.stdout)


def test_help_and_bad_flags():
    done = subprocess.run([PROGRAM, '--help'], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and 'pmem-csi-driver init --help' in done.stdout
    done = subprocess.run([PROGRAM], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, 'pmem-csi-driver: --node-name is missing (see --help)\n')
