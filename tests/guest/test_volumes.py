# SPDX-License-Identifier: Apache-2.0
"""The driver makes, mounts, grows and removes volumes of real (emulated) persistent memory."""

import re

import pytest

from calls import Refused, creation, mounted
from guest import GIB, IS_WHOLE, MIB
from harness import waiting
from test_report import raw_namespaces

CREATE = 'csi.v1.Controller/CreateVolume'
DELETE = 'csi.v1.Controller/DeleteVolume'
KEPT = 'disk-0f6a1e22-5a0e-4f39-9d3c-0c50c2b9f0d1'  # Of conftest, in pmemvgregion0.
UID = '334cb6fa-fabd-4687-96dc-0d2b15564822'
IDLE_SECONDS = 5
IDLE_SLEEPS_MAX = 20 * IDLE_SECONDS
SECONDS_MAX = 30  # Of a creation, or of erasing 64 MiB: both take a few where every byte is emulated.


def df(guest, path):
    """(source, 1K-blocks, used, available) as df prints them; one line, as it is."""
    row = guest.run(f'df -P {path} | tail -1').split()
    print('df:', ' '.join(row))
    return row[0], int(row[1]), int(row[2]), int(row[3])


@pytest.mark.parametrize('kind,file_system,size,taken,source', [
    ('lvm', 'ext4', 65 * MIB, 68 * MIB, rf"/dev/mapper/pmemvgregion\d-disk--{UID.replace('-', '--')}$"),
    ('direct', 'ext4', 65 * MIB, 80 * MIB, r'/dev/pmem[\d.]+$'),
    ('direct', 'xfs', 320 * MIB, 320 * MIB, r'/dev/pmem[\d.]+$'),
])
def test_a_volume_of_the_products_page(guest, driver, unchanged, kind, file_system, size, taken, source):
    name, capability = f'disk-{UID}', mounted(file_system)
    assert int(driver.create(name, size, kind, capability)['capacity_bytes']) == taken
    driver.stage(name, capability)
    target = driver.publish(name, capability)
    found, blocks, _, available = df(guest, target)
    assert re.match(source, found) and 0.6 * size / 1024 < available <= blocks < taken / 1024
    options = guest.run(f"grep ' {target} ' /proc/mounts").split()[3].split(',')
    assert {'dax=always', 'dax'} & set(options)
    guest.run(f'echo kept >{target}/data && sync')
    driver.unpublish(name)
    driver.unstage(name)
    driver.stage(name, capability)
    driver.publish(name, capability)
    assert guest.run(f'cat {target}/data') == 'kept\n'
    driver.remove(name)


def test_a_mounted_lvm_volume_grows(guest, driver, unchanged):
    driver.create('disk-grow', 64 * MIB)
    driver.stage('disk-grow')
    target = driver.publish('disk-grow')
    guest.run(f'dd if=/dev/urandom of={target}/data bs=1M count=4 2>/dev/null && sync')
    digest = guest.run(f'md5sum <{target}/data')
    blocks = df(guest, target)[1]
    assert driver.expand('disk-grow', 128 * MIB + 1) == 132 * MIB
    assert df(guest, target)[1] > 1.9 * blocks
    assert guest.run(f'md5sum <{target}/data') == digest
    driver.remove('disk-grow')


def test_a_direct_volume_does_not_grow(driver, unchanged):
    driver.create('disk-grow', 64 * MIB, 'direct')
    driver.stage('disk-grow')
    driver.publish('disk-grow')
    with pytest.raises(Refused, match='OUT_OF_RANGE'):
        driver.expand('disk-grow', 128 * MIB)
    driver.remove('disk-grow')


SIZES = [('lvm', 4 * MIB + 1, 8 * MIB), ('direct', 16 * MIB + 1, 32 * MIB)]
if IS_WHOLE:  # How sizes are rounded is the matter of tests/unit/common/pure/sizing_test.cc; here it is whose steps they are.
    SIZES += [('lvm', 1, 4 * MIB), ('lvm', 4 * MIB, 4 * MIB), ('direct', 1, 16 * MIB), ('direct', 16 * MIB, 16 * MIB)]


@pytest.mark.parametrize('kind,size,taken', SIZES)
def test_a_volume_is_whole_steps_of_its_pool(driver, unchanged, kind, size, taken):
    assert int(driver.create('disk-size', size, kind)['capacity_bytes']) == taken
    assert driver.volumes()['disk-size'] == taken
    driver.delete('disk-size')


def test_a_direct_volume_is_refused_that_xfs_would_not_fit_into(guest, driver, unchanged):
    with pytest.raises(Refused, match='OUT_OF_RANGE: a direct volume of 318767104 bytes has 312475648 beside'):
        driver.create('disk-small', 300 * MIB, 'direct', mounted('xfs'))
    driver.create('disk-small', 300 * MIB, 'direct')
    device = device_of(guest, 'disk-small').removeprefix('/dev/')
    assert guest.run(f'cat /sys/class/block/{device}/size') == f'{312475648 // 512}\n'
    driver.delete('disk-small')


@pytest.mark.parametrize('kind', ['lvm', 'direct'])
def test_the_largest_volume_fits_and_one_step_more_does_not(driver, unchanged, kind):
    largest = driver.capacity(kind)[1]
    with pytest.raises(Refused, match='RESOURCE_EXHAUSTED'):
        driver.create('disk-large', largest + 1, kind)
    driver.create('disk-large', largest, kind)
    driver.delete('disk-large')


def test_no_hole_holds_what_the_free_room_would_in_all(driver):
    available, largest = driver.capacity('direct')
    assert 0 < largest < available  # conftest left a hole in the region.
    with pytest.raises(Refused, match='RESOURCE_EXHAUSTED'):
        driver.create('disk-holes', available, 'direct')


def test_a_volume_that_something_has_open_is_removed_once_it_is_let_go(guest, driver, unchanged):
    """It is erased by then: the next call has but to remove it."""
    driver.create('disk-open', 64 * MIB)
    device = guest.run('ls /dev/mapper/*-disk--open').strip()
    holder = guest.run(f'sleep 600 <{device} >/dev/null 2>&1 & echo $!').strip()
    with pytest.raises(Refused, match='UNAVAILABLE'):
        driver.delete('disk-open')
    assert 'new-disk-open' in guest.run('lvs --noheadings -o lv_name')
    assert 'disk-open' not in driver.volumes()
    guest.run(f'kill {holder}')
    driver.delete('disk-open')
    assert 'disk-open' not in guest.run('lvs --noheadings -o lv_name')


def test_foreign_volumes_are_neither_listed_nor_removed(guest, driver, unchanged):
    assert 'by-hand' not in driver.volumes()
    driver.delete('by-hand')
    assert 'by-hand' in guest.run('lvs --noheadings -o lv_name pmemvgregion0')


def device_of(guest, name):
    """The block device of a direct volume."""
    return '/dev/' + next(one['blockdev'] for one in guest.json('ndctl list -N') if one.get('name') == name)


@pytest.mark.parametrize('name', ['pmemvgregion9', 'pmemvgregion0'])
def test_a_volume_group_that_a_pod_makes_is_no_pool(guest, agent, driver, unchanged, name):
    """It can, in the device of its block volume, and call it and what is in it as it likes."""
    def pools():
        return [pool for pool in agent.report()['pools'] if pool['kind'] == 'lvm']

    before = pools()
    driver.create('disk-theirs', 128 * MIB, 'direct')
    device = device_of(guest, 'disk-theirs')
    alone = f"""--config 'devices/global_filter=["a|^{device}$|","r|.*|"]'"""
    generation = agent.report()['generation']
    # On another machine there is no such directory, which vgcreate would not make its VolumeGroup beside.
    guest.run(f"""set -e
        mkdir -p /dev/{name} && mv /dev/{name} /dev/aside
        vgcreate -q {alone} {name} {device}
        lvcreate -q -y -an -Zn -Wn {alone} -n {KEPT} -L 64M {name}
        rmdir /dev/{name} 2>/dev/null || true
        mv /dev/aside /dev/{name}""")
    try:
        assert device in guest.run('pvs --noheadings -o pv_name,vg_name')
        agent.report(generation, '3s')  # It has time to see more than that.
        assert pools() == before
        assert driver.volumes()[KEPT] == 128 * MIB
        driver.create('disk-ours', 4 * MIB)
        assert device not in guest.run('lvs --noheadings -o devices -S lv_name=disk-ours')
        driver.delete('disk-ours')
    finally:
        guest.run(f'vgremove -q -f {alone} {name}')
    driver.delete('disk-theirs')
    assert pools() == before


def test_nothing_that_the_kernel_kept_of_a_volume_is_in_the_next(guest, driver, regions, unchanged):
    """What it knows of each page lies before the volume's data, and reaches into those of a smaller one."""
    def start_of(name):
        return next(one['start'] for region in regions.values() for one in raw_namespaces(guest, region)
                    if one['name'] == name)

    driver.create('disk-large', GIB, 'direct')
    start = start_of('disk-large')
    driver.delete('disk-large')
    driver.create('disk-next', 512 * MIB, 'direct')
    assert start_of('disk-next') == start
    assert guest.run(f"head -c 16M {device_of(guest, 'disk-next')} | tr -d '\\0' | wc -c") == '0\n'
    driver.delete('disk-next')


def test_eight_at_once_on_one_region(guest, driver, unchanged):
    names = [f'disk-at-once-{i}' for i in range(8)]
    orders = [creation(n, 32 * MIB, 'direct') for n in names]
    codes = driver.codes_at_once(CREATE, orders)
    # On a machine that is busy otherwise the last ones wait for longer than the driver lets them; then they come again.
    assert set(codes) <= {'OK', 'ABORTED'} and codes.count('OK') >= 2
    assert [driver.code(CREATE, order) for order in orders] == ['OK'] * 8
    assert set(names) <= {one.get('name') for one in guest.json('ndctl list -N')}
    for name in names:
        driver.delete(name)


def test_a_disabled_region_takes_nothing_until_it_is_enabled(guest, agent, driver, regions, unchanged):
    region = regions['direct']
    available, largest = driver.capacity('direct')
    free = agent.pool(f'direct/{region}')['available_bytes']
    guest.run(f'ndctl disable-region {region}')
    try:
        assert driver.capacity('direct')[0] == available - free
        assert driver.code(CREATE, creation('disk-off', largest, 'direct')) == 'RESOURCE_EXHAUSTED'
        init = f'pmem-csi-driver init --kind direct --region-pattern {region}'
        assert 'left alone: the region is disabled' in guest.run(f'{init} || true')
        pool = waiting.until(lambda: agent.pool(f'direct/{region}'), 'the pool is in trouble',
                             accepts=lambda found: found['state'] != 'ok')
        assert (pool['state'], pool['max_volume_bytes']) == ('inactive', 0)
    finally:
        guest.run(f'ndctl enable-region {region}')
    assert driver.capacity('direct') == (available, largest)
    waiting.until(lambda: agent.pool(f'direct/{region}'), 'the pool is well again',
                  accepts=lambda found: found['state'] == 'ok')


def test_a_volume_that_a_disabled_region_hides_is_not_taken_for_a_deleted_one(guest, driver, regions, unchanged):
    region, volume = regions['direct'], {'volume_id': 'disk-hidden'}
    size = driver.capacity('direct')[1]  # No other region has that much.
    driver.create('disk-hidden', size, 'direct')
    guest.run(f'ndctl disable-region {region}')
    try:
        refused = driver.answer(DELETE, volume)
        assert (refused['code'], refused['message']) == (
            'UNAVAILABLE', f'{region}: the region is disabled: whether it holds disk-hidden is not known')
        health = driver.call('csi.v1.Node/NodeGetVolumeHealth', volume)['volume_health']['health_statuses']
        assert [one['status'] for one in health] == ['INACCESSIBLE']
        driver.create('disk-beside', 4 * MIB, 'lvm')
        driver.delete('disk-beside')
    finally:
        guest.run(f'ndctl enable-region {region}')
    assert driver.volumes()['disk-hidden'] == size
    driver.delete('disk-hidden')
    assert 'disk-hidden' not in driver.volumes()


def test_a_volume_group_on_a_disabled_namespace_is_not_taken_for_a_deleted_one(guest, agent, driver, unchanged):
    before = agent.pool('lvm/pmemvgregion0')
    namespace = next(one['dev'] for one in guest.json('ndctl list -N') if one.get('name') == 'pool')
    guest.run(f'vgchange -q -an pmemvgregion0 && ndctl disable-namespace {namespace}')
    try:
        refused = driver.answer(DELETE, {'volume_id': KEPT})
        assert (refused['code'], refused['message'].partition(': ')[2]) == (
            'UNAVAILABLE', f'{namespace} (pool) is disabled: whether it holds {KEPT} is not known')
        pool = waiting.until(lambda: agent.pool('lvm/pmemvgregion0'), 'the pool is in trouble',
                             accepts=lambda found: found['state'] != 'ok')
        assert pool == before | {'state': 'inactive', 'max_volume_bytes': 0}
    finally:
        guest.run(f'ndctl enable-namespace {namespace} && vgchange -q -ay pmemvgregion0')
    assert waiting.until(lambda: agent.pool('lvm/pmemvgregion0'), 'the pool is well again',
                         accepts=lambda found: found['state'] == 'ok') == before
    assert KEPT in driver.volumes()


def test_a_link_that_leads_to_another_volume_is_not_followed(guest, driver, unchanged):
    """As of a volume that is gone, before udev takes its link away: another one has its number by then."""
    for name in ('disk-mine', 'disk-other'):
        driver.create(name, 64 * MIB)
        driver.stage(name)
        driver.unstage(name)
    mine, other = (guest.run(f'ls /dev/mapper/*-disk--{name}').strip() for name in ('mine', 'other'))
    guest.run(f'ln -sfn $(realpath {other}) {mine}')
    refused = driver.answer(DELETE, {'volume_id': 'disk-mine'})
    says = f"{mine} leads to {other.removeprefix('/dev/mapper/')}"
    assert refused['code'] == 'UNAVAILABLE' and says in refused['message']
    with pytest.raises(Refused, match=f'UNAVAILABLE.*{says}'):
        driver.stage('disk-mine')
    guest.run(f'rm {mine} && dmsetup mknodes')
    driver.stage('disk-other')  # Its file system is still there.
    driver.unstage('disk-other')
    for name in ('disk-mine', 'disk-other'):
        driver.delete(name)


def test_a_volume_that_somebody_made_a_snapshot_of_is_used_and_kept(guest, driver, unchanged):
    driver.create('disk-origin', 64 * MIB)
    driver.stage('disk-origin')
    target = driver.publish('disk-origin')
    guest.run(f'echo kept >{target}/data')
    driver.unpublish('disk-origin')
    driver.unstage('disk-origin')
    group = guest.run('lvs --noheadings -o vg_name -S lv_name=disk-origin').strip()
    # The kernel refuses it of one that is active: a device that can do DAX does not lose that.
    guest.run(f'lvchange -an {group}/disk-origin && lvcreate -q -y -s -n by-hand-snapshot -L 8M {group}/disk-origin')
    try:
        driver.stage('disk-origin')
        assert guest.run(f"cat {driver.publish('disk-origin')}/data") == 'kept\n'
        driver.unpublish('disk-origin')
        driver.unstage('disk-origin')
        assert driver.code(DELETE, {'volume_id': 'disk-origin'}) == 'FAILED_PRECONDITION'
    finally:
        guest.run(f'lvremove -q -y {group}/by-hand-snapshot')
    driver.delete('disk-origin')


def test_a_namespace_that_is_not_enabled_is_not_taken_for_a_free_one(guest, driver, regions, unchanged):
    """As one that somebody is making: until it is enabled the kernel offers it as the region's next."""
    region = regions['direct']

    def found(name):
        return [one['size'] for one in guest.json('ndctl list -Ni') if one.get('name') == name]

    seed = guest.run(f"""set -e
        seed=$(cat /sys/bus/nd/devices/{region}/namespace_seed)
        cd /sys/bus/nd/devices/$seed
        [ -n "$(cat uuid)" ] || cat /proc/sys/kernel/random/uuid >uuid
        echo in-the-making >alt_name
        echo {64 * MIB} >size
        echo $seed""").strip()
    size = driver.capacity('direct')[1]  # No other region has that much.
    try:
        refused = driver.answer(CREATE, creation('disk-next', size, 'direct'))
        assert (refused['code'], refused['message']) == (
            'UNAVAILABLE', f'{region}: offers no new namespace while {seed} is not enabled')
        assert found('in-the-making') == [64 * MIB]
    finally:
        guest.run(f'ndctl destroy-namespace -f {seed}')
    driver.create('disk-next', size, 'direct')
    driver.delete('disk-next')


def test_a_removal_ends_with_the_volume_that_it_began_with(guest, driver, regions, unchanged):
    """Whatever somebody else has given the name that a volume bears while it goes."""
    driver.create('disk-twin', 64 * MIB, 'direct')
    twins = [guest.create_namespace(regions['direct'], '64M', 'new-disk-twin')['dev'] for _ in range(2)]
    try:
        driver.delete('disk-twin')
        left = [one['dev'] for one in guest.json('ndctl list -Ni') if one.get('name', '').endswith('disk-twin')]
        assert sorted(left) == sorted(twins)
    finally:
        for twin in twins:
            guest.run(f'ndctl destroy-namespace -f {twin}')


def test_how_long_creations_and_removals_take(guest, driver, unchanged):
    rounds = 2 if IS_WHOLE else 1
    driver.kill()
    driver.start('--erase=all')
    for kind in ('lvm', 'direct'):
        for _ in range(rounds):
            driver.create('disk-time', 64 * MIB, kind)
            driver.delete('disk-time')
        made, removed = (driver.seconds(method)[-rounds:] for method in ('CreateVolume', 'DeleteVolume'))
        print(f'\nguest: {kind}: create {min(made):.2f} s, erase and delete 64 MiB {min(removed):.2f} s')
        assert max(made) < SECONDS_MAX, f'{kind}: CreateVolume took {made} s'
        assert max(removed) < SECONDS_MAX, f'{kind}: DeleteVolume of 64 MiB took {removed} s'


def test_the_driver_idles_cheaply(guest, driver):
    """How long a processor takes for it is this host's doing; how often it wakes up is not."""
    look = ("p=$(pidof pmem-csi-driver); cut -d' ' -f14,15 /proc/$p/stat; grep -E 'VmRSS|RssAnon' /proc/$p/status;"
            ' grep -h ^voluntary /proc/$p/task/*/status')

    def seen():
        """(clock ticks, times that a thread went to sleep, KiB resident, KiB of its own)"""
        words = guest.run(look).split()
        return int(words[0]) + int(words[1]), sum(map(int, words[9::2])), int(words[3]), int(words[6])

    before = seen()
    guest.run(f'sleep {IDLE_SECONDS}', seconds=60)
    ticks, sleeps, resident, own = seen()
    ticks, sleeps = ticks - before[0], sleeps - before[1]
    print(f'\nguest: driver idle for {IDLE_SECONDS} s: {ticks} ticks of a processor, {sleeps} times awake, {resident} KiB'
          f' resident, {own} KiB of its own')
    assert sleeps < IDLE_SLEEPS_MAX and own < 15 * 1024
