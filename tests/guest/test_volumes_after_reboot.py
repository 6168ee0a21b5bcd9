# SPDX-License-Identifier: Apache-2.0
"""The machine is switched off and on: volumes and data are there, though nothing else is. Last of all tests."""

import pytest

from calls import mounted
from guest import GIB, MIB, NVDIMMS

FILE_SYSTEMS = {'lvm': 'ext4', 'direct': 'xfs'}


def use(driver, kind):
    """Staged and published; where."""
    capability = mounted(FILE_SYSTEMS[kind])
    driver.stage(f'disk-{kind}', capability)
    return driver.publish(f'disk-{kind}', capability)


@pytest.fixture(scope='module')
def digests(guest, agent, driver):
    """Volumes of both kinds with data, then a reboot: the data's digests, and the agent's pools before."""
    written = {}
    for kind in FILE_SYSTEMS:
        driver.create(f'disk-{kind}', 320 * MIB, kind, mounted(FILE_SYSTEMS[kind]))
        target = use(driver, kind)
        guest.run(f'dd if=/dev/urandom of={target}/data bs=1M count=4 conv=fsync 2>/dev/null')
        written[kind] = guest.run(f'md5sum <{target}/data')
    before = {pool['id']: pool['volumes'] for pool in agent.report()['pools']}
    boot_id = agent.report()['boot_id']
    guest.reboot()
    return written, before, boot_id


def region_now(guest, role):
    wanted = NVDIMMS[role]['gib'] * GIB
    return next(r['dev'] for r in guest.json('ndctl list -R') if r['size'] == wanted)


def test_init_finds_nothing_to_do(guest, digests):
    for role, kind in (('lvm', 'lvm'), ('direct', 'direct')):
        command = f'pmem-csi-driver init --kind {kind} --region-pattern {region_now(guest, role)}'
        said = guest.run(command, seconds=90).splitlines()
        assert len(said) == 1 and said[0].endswith('1 match --region-pattern, 0 changed')


def test_the_agent_reports_the_same_volumes_of_another_boot(guest, agent, digests):
    agent.start()
    report = agent.report()
    assert report['boot_id'] != digests[2]
    assert {pool['id']: pool['volumes'] for pool in report['pools']} == digests[1]


@pytest.mark.parametrize('kind', sorted(FILE_SYSTEMS))
def test_a_volume_has_its_data_and_can_be_removed(guest, driver, digests, kind):
    if not guest.run('pidof pmem-csi-driver || true'):
        driver.start()
    assert driver.volumes()[f'disk-{kind}'] == 320 * MIB
    target = use(driver, kind)
    assert guest.run(f'md5sum <{target}/data') == digests[0][kind]
    driver.remove(f'disk-{kind}')
    assert f'disk-{kind}' not in driver.volumes()


def test_a_volume_may_have_a_whole_region(guest, driver, digests):
    guest.run(f"ndctl destroy-namespace -f -r {region_now(guest, 'direct')} all")
    whole = NVDIMMS['direct']['gib'] * GIB
    available, largest = driver.capacity('direct')
    assert largest == whole
    assert int(driver.create('disk-whole', whole, 'direct')['capacity_bytes']) == whole
    left, largest = driver.capacity('direct')
    assert left == available - whole and largest < whole
    driver.delete('disk-whole')
