# SPDX-License-Identifier: Apache-2.0
"""What the kernel and the tools do, as far as the agent's readers depend on it."""

import pytest

from guest import GIB
from machine_door import CommandFailed


def region_attribute(guest, region, name):
    """One attribute of a region in sysfs."""
    return guest.run(f'cat /sys/bus/nd/devices/{region}/{name}').strip()


def test_a_region_is_aligned_to_16_mib(guest, regions):
    assert region_attribute(guest, regions['direct'], 'align') == hex(16 << 20)


def test_an_unarmed_nvdimm_gives_a_read_only_region_that_still_claims_to_be_free(guest, regions):
    region = regions['read_only']
    assert region_attribute(guest, region, 'read_only') == '1'
    assert int(region_attribute(guest, region, 'available_size')) == 2 * GIB
    with pytest.raises(CommandFailed, match='No space left on device'):
        guest.create_namespace(region, '256M', 'refused')


def test_a_region_without_labels_is_one_namespace_and_takes_no_more(guest, regions):
    region = regions['label_less']
    namespaces = guest.json(f'ndctl list -Ni -r {region}')
    assert [namespace['size'] for namespace in namespaces] == [GIB]
    with pytest.raises(CommandFailed):
        guest.create_namespace(region, '64M', 'refused')


def test_a_hole_between_namespaces_is_room_that_no_single_volume_can_use(guest, regions, volumes):
    region = guest.json(f"ndctl list -R -r {regions['direct']}")[0]
    assert region['available_size'] - region['max_available_extent'] == 256 << 20
    with pytest.raises(CommandFailed, match='No space left on device'):
        guest.create_namespace(regions['direct'], region['available_size'], 'refused')
