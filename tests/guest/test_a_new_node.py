# SPDX-License-Identifier: Apache-2.0
"""`pmem-csi-driver init` on a machine whose NVDIMMs nobody has touched. First of all tests, by its name."""

import re

from guest import GIB, IS_WHOLE, NVDIMMS

INIT = 'pmem-csi-driver init'
SUMMARY = re.compile(r'\d+ regions seen, 1 match --region-pattern, [01] (changed|to change)')
NOT_EMPTY = ' carries nothing that blkid knows, but is not empty (something at byte '
LABELLED = '5\n'  # Attribute nstype of a region.
STEPS_MAX = 60


def region_of(guest, role):
    """The region of an NVDIMM, by its size."""
    wanted = NVDIMMS[role]['gib'] * GIB
    return next(r['dev'] for r in guest.json('ndctl list -R') if r['size'] == wanted)


def look(guest):
    return guest.run('ndctl list -RN; vgs --noheadings -o vg_name,vg_size; cat /proc/partitions')


def zero_start(guest, device):
    guest.run(f'dd if=/dev/zero of={device} bs=1M count=4 conv=fsync 2>/dev/null')


def init(guest, role, flags):
    """(exit status, lines but the last) of a run for one region."""
    command = f'{INIT} --region-pattern {region_of(guest, role)} {flags}'
    *lines, last, status = guest.run(f'{command} 2>&1; echo $?', seconds=90).splitlines()
    assert SUMMARY.fullmatch(last), last
    return int(status), lines


def test_a_node_without_a_kind_is_not_touched(guest):
    before = look(guest)
    assert guest.run(INIT) == 'kind none: nothing to do\n'
    assert look(guest) == before


def test_a_region_becomes_a_volume_group_once(guest):
    region = region_of(guest, 'lvm')
    group, number = f"pmemvgregion{region.removeprefix('region')}", NVDIMMS['lvm']['gib'] * GIB
    before = look(guest)
    assert init(guest, 'lvm', '--kind lvm') == (3, [
        f'{region}: left alone: its label area is not initialized (--init-labels does it)'])
    steps = [f'{region}: initialize the label areas of its NVDIMMs',
             f'{region}: create NVDIMM namespace {group} of {number} bytes, mode fsdax',
             f'{region}: create VolumeGroup {group} on NVDIMM namespace {group}']
    assert init(guest, 'lvm', '--kind lvm --init-labels --dry-run') == (0, steps)
    assert look(guest) == before
    assert init(guest, 'lvm', '--kind lvm --init-labels') == (0, steps)
    assert guest.run('vgs --noheadings -o vg_name').split() == [group]
    assert init(guest, 'lvm', '--kind lvm --init-labels') == (0, [])


def test_no_volume_group_is_made_over_a_damaged_one(guest):
    """Goes on with the VolumeGroup that the test before made."""
    region = region_of(guest, 'lvm')
    group = f"pmemvgregion{region.removeprefix('region')}"
    device = guest.run('pvs --noheadings -o pv_name').strip()
    guest.run(f'lvcreate -q -y -n disk-kept -L 64M {group} && echo kept >/dev/mapper/{group}-disk--kept'
              f' && vgchange -q -an {group}')
    guest.run(f'dd if=/dev/zero of={device} bs=512 seek=1 count=1 conv=fsync 2>/dev/null')  # A cleared media error.
    assert guest.run(f'vgs --noheadings; blkid -p {device}; echo $?') == '2\n'
    before = guest.run(f'head -c 8M {device} | md5sum')
    status, lines = init(guest, 'lvm', '--kind lvm --init-labels')
    assert status == 3 and lines[-1].startswith(f'{region}: left alone: {device}{NOT_EMPTY}')
    assert guest.run(f'head -c 8M {device} | md5sum') == before
    # As docs/operations.md has it.
    texts = re.findall(r'metadata at (\d+) .* seqno (\d+)', guest.run(f'lvm pvck --dump metadata_search {device} 2>&1'))
    offset = max(texts, key=lambda text: int(text[1]))[0]
    guest.run(f'lvm pvck --dump metadata_search --settings metadata_offset={offset} -f /tmp/text {device}'
              f' && lvm pvck -y --repair -f /tmp/text {device} && vgchange -q -ay {group}')
    assert guest.run(f'head -c 5 /dev/mapper/{group}-disk--kept') == 'kept\n'
    guest.run(f'vgremove -q -f {group}')
    assert guest.run(f'lvm pvremove -q {device} >/dev/null; blkid -p {device}; echo $?') == '2\n'
    assert init(guest, 'lvm', '--kind lvm')[0] == 3
    zero_start(guest, device)
    assert init(guest, 'lvm', '--kind lvm') == (0, [
        f'{region}: create VolumeGroup {group} on NVDIMM namespace {group}'])
    guest.run(f'vgremove -q {group} && ndctl destroy-namespace -f -r {region} all')


def test_a_volume_group_that_is_being_restored_is_left_alone(guest):
    """Between pvcreate and vgcfgrestore there is nothing but what vgcreate writes first."""
    region = region_of(guest, 'lvm')
    group = f"pmemvgregion{region.removeprefix('region')}"
    assert init(guest, 'lvm', '--kind lvm')[0] == 0
    device = guest.run('pvs --noheadings -o pv_name').strip()
    data = f'of=/dev/mapper/{group}-disk--kept bs=1M seek=8 conv=fsync,notrunc 2>/dev/null'
    guest.run(f'lvcreate -q -y -n disk-kept -L 64M {group} && echo kept | dd {data}')
    uuid = guest.run('pvs --noheadings -o pv_uuid').strip()
    guest.run(f'cp /etc/lvm/backup/{group} /tmp/backup && vgchange -q -an {group}')
    zero_start(guest, device)
    guest.run(f'pvcreate -q --uuid {uuid} --restorefile /tmp/backup {device}')
    status, lines = init(guest, 'lvm', '--kind lvm')
    assert status == 3 and lines[-1].startswith(f'{region}: left alone: {device} carries') and 'LVM2_member' in lines[-1]
    guest.run(f'lvm vgcfgrestore -q -f /tmp/backup {group} && vgchange -q -ay {group}')
    assert guest.run(f'dd if=/dev/mapper/{group}-disk--kept bs=1M skip=8 2>/dev/null | head -c 5') == 'kept\n'
    guest.run(f'vgremove -q -f {group} && ndctl destroy-namespace -f -r {region} all')


def test_what_cannot_be_looked_at_is_left_alone(guest):
    region = region_of(guest, 'direct')
    name = f"namespace{region.removeprefix('region')}.0"
    refused = (3, [f'{region}: left alone: {name} has no block device: what is on it cannot be told'])
    device = next(n['blockdev'] for n in guest.json('ndctl list -N') if n['dev'] == name)
    guest.run(f'mkfs.ext4 -q /dev/{device} && ndctl disable-namespace {name}')
    assert init(guest, 'direct', '--kind direct --init-labels') == refused
    guest.run(f'ndctl enable-namespace {name}')
    assert 'TYPE=ext4' in guest.run(f'blkid -p -o export /dev/{device}')
    guest.run(f'wipefs -qa /dev/{device} && ndctl create-namespace -f -e {name} -m devdax --no-autolabel')
    assert init(guest, 'direct', '--kind direct --init-labels') == refused
    assert guest.json('ndctl list -N')
    guest.run(f'ndctl create-namespace -f -e {name} -m raw --no-autolabel')
    zero_start(guest, f'/dev/{device}')


def test_a_foreign_file_system_is_left_alone(guest):
    region = region_of(guest, 'direct')
    device = next(n['blockdev'] for n in guest.json('ndctl list -N') if n['dev'].startswith(
        f"namespace{region.removeprefix('region')}."))
    guest.run(f'mkfs.ext4 -q /dev/{device}')
    status, lines = init(guest, 'direct', '--kind direct --init-labels')
    assert (status, lines) == (3, [f'{region}: left alone: /dev/{device} carries ext4'])
    guest.run(f'wipefs -qa /dev/{device}')
    status, lines = init(guest, 'direct', '--kind direct --init-labels')
    assert status == 3 and lines[0].startswith(f'{region}: left alone: /dev/{device}{NOT_EMPTY}')
    zero_start(guest, f'/dev/{device}')


def test_labels_that_were_begun_are_finished_by_the_next_run(guest):
    region = region_of(guest, 'direct')
    dimm = guest.dimm_of(region)
    flags = f'--region-pattern {region} --kind direct --init-labels'
    line = f'{region}: initialize the label areas of its NVDIMMs'
    killed = []  # For each step: whether there are labels by then that the kernel has not seen.
    for step in range(1, 10):
        said = guest.run(f'{INIT} {flags} --dry-run')
        status = guest.run(f'echo {step} >/tmp/kill-at; LD_PRELOAD=/usr/bin/libkill-at.so KILL_AT_FILE=/tmp/kill-at'
                           f' {INIT} {flags} >/dev/null 2>&1; echo $?')
        if status == '0\n':
            break
        assert (status, said.splitlines()[:-1]) == ('137\n', [line]), step
        # What is disabled stays so: init cannot know who did it, and why.
        guest.run(f'ndctl disable-region {region}; ndctl enable-dimm {dimm}; ndctl enable-region {region}')
        is_labelled = guest.run(f'cat /sys/bus/nd/devices/{region}/nstype') == LABELLED
        is_written = guest.run(f"ndctl read-labels {dimm} 2>/dev/null | tr -d '\\0' | wc -c") != '0\n'
        killed.append(is_written and not is_labelled)
    print(f'\nguest: labels: killed at {len(killed)} steps; written and not seen: {killed}')
    assert any(killed) and guest.run(f'cat /sys/bus/nd/devices/{region}/nstype') == LABELLED
    guest.run('rm -f /tmp/kill-at')


def is_finished_after(guest, step):
    """Kills init at that step of making a VolumeGroup, and sees the next one finish it. Whether that found a namespace without
    its name yet; None: it was over before. A vgcreate that is at work when init is killed comes to its end.
    """
    region = region_of(guest, 'direct')
    group = f"pmemvgregion{region.removeprefix('region')}"
    flags = '--kind both --lvm-percent 50'
    status = guest.run(f'echo {step} >/tmp/kill-at; LD_PRELOAD=/usr/bin/libkill-at.so KILL_AT_FILE=/tmp/kill-at'
                       f' {INIT} --region-pattern {region} {flags} >/dev/null 2>&1; echo $?'
                       "; while grep -qsxE 'lvm|vgcreate' /proc/[0-9]*/comm; do sleep 0.1; done", seconds=90)
    had_no_name = None
    if status != '0\n':
        assert status == '137\n', step
        done, lines = init(guest, 'direct', flags)
        assert done == 0, (step, lines)
        had_no_name = f'{region}: remove NVDIMM namespace new-{group}, which was not finished' in lines
    assert guest.run('vgs --noheadings -o vg_name').split() == [group]
    assert guest.run(f'cat /sys/bus/nd/devices/{region}/available_size') == f'{3 * GIB // 2}\n'
    guest.run(f'vgremove -q {group} && ndctl destroy-namespace -f -r {region} all')
    return had_no_name


def test_a_volume_group_that_was_begun_is_finished_by_the_next_run(guest):
    """At every third step, and at those between but where the namespace had no name before and after: most are so."""
    found = {}  # {step: is_finished_after}
    for step in range(1, STEPS_MAX, 1 if IS_WHOLE else 3):
        found[step] = is_finished_after(guest, step)
        if found[step] is None:
            break
    tried = sorted(found)
    for before, after in zip(tried, tried[1:]):
        if not (found[before] and found[after]):
            found |= {step: is_finished_after(guest, step) for step in range(before + 1, after)}
    killed = [found[step] for step in sorted(found) if found[step] is not None]
    print(f'\nguest: a VolumeGroup: killed at {len(killed)} steps of {sorted(found)}; without a name: {killed}')
    assert killed.count(True) >= 5 and None in found.values()
    guest.run('rm -f /tmp/kill-at')


def test_a_foreign_namespace_is_left_alone(guest):
    region = region_of(guest, 'direct')
    guest.create_namespace(region, '256M', 'by-hand')
    status, lines = init(guest, 'direct', '--kind lvm')
    assert status == 3 and '(by-hand, 268435456 bytes) is there and not ours' in lines[0]
    guest.run(f'ndctl destroy-namespace -f -r {region} all')


def test_a_region_is_split(guest):
    region = region_of(guest, 'direct')
    status, lines = init(guest, 'direct', '--kind both --lvm-percent 50')
    group = f"pmemvgregion{region.removeprefix('region')}"
    assert (status, lines[0]) == (
        0, f'{region}: create NVDIMM namespace {group} of {3 * GIB // 2} bytes, mode fsdax')
    assert guest.run(f'cat /sys/bus/nd/devices/{region}/available_size') == f'{3 * GIB // 2}\n'
    assert init(guest, 'direct', '--kind both --lvm-percent 50') == (0, [])
    guest.run(f'vgremove -q {group} && ndctl destroy-namespace -f -r {region} all')


def test_a_region_that_is_refused_on_the_way_does_not_stop_the_others(guest):
    first, second = sorted(region_of(guest, role) for role in ('lvm', 'direct'))
    pattern = f'{INIT} --kind lvm --region-pattern {first},{second}'
    one, two = (f"pmemvgregion{region.removeprefix('region')}" for region in (first, second))
    guest.run(f'{INIT} --kind lvm --region-pattern {first} && vgremove -q {one}', seconds=90)
    *lines, status = guest.run(f'{pattern} --accept-refusals 2>&1; echo $?', seconds=90).splitlines()
    assert status == '0' and len(lines) == 5 and lines[-1].endswith('2 match --region-pattern, 1 changed')
    assert lines[1].startswith(f'{first}: left alone: /dev/') and 'LVM2_member' in lines[1]
    assert guest.run('vgs --noheadings -o vg_name').split() == [two]
    assert guest.run(f'{pattern} >/dev/null; echo $?', seconds=90) == '3\n'
    guest.run(f'vgremove -q {two}; for r in {first} {second}; do ndctl destroy-namespace -f -r $r all; done')


def test_an_nvdimm_that_is_not_armed_is_left_alone(guest):
    status, lines = init(guest, 'read_only', '--kind lvm --init-labels')
    assert status == 3 and 'left alone' in lines[0]
