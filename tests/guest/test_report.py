# SPDX-License-Identifier: Apache-2.0
"""The agent's report equals what ndctl, vgs and lvs say about the same devices."""

from conftest import NODE
from guest import MIB

BYTES = '--reportformat json --units b --nosuffix'


def volume_group(guest, name):
    """The numbers that vgs has for one VolumeGroup."""
    rows = guest.json(f'vgs {BYTES} -o vg_size,vg_free,vg_extent_size {name}')['report'][0]['vg']
    return {key: int(value) for key, value in rows[0].items()}


def logical_volumes(guest, name):
    """What lvs shows of one VolumeGroup, in the report's form; hidden parts of pools left out."""
    rows = guest.json(f'lvs {BYTES} -o lv_name,lv_size {name}')['report'][0]['lv']
    return sorted(({'name': row['lv_name'], 'bytes': int(row['lv_size'])} for row in rows),
                  key=lambda volume: volume['name'])


def ndctl_region(guest, name):
    """What ndctl says about one region and its namespaces, idle ones included."""
    listing = guest.json(f'ndctl list -RNi -r {name}')
    return listing['regions'][0] if isinstance(listing, dict) else listing[0]


def raw_namespaces(guest, region):
    """[{name, start, size}] of a region's namespaces by sysfs: ndctl lists usable sizes only."""
    listing = guest.run(f"""cd /sys/bus/nd/devices/{region}
        for n in namespace[0-9]*; do [ "$(cat $n/size)" = 0 ] ||
          echo "$(cat $n/resource) $(cat $n/size) $(cat $n/alt_name 2>/dev/null)"; done""")
    rows = [line.split() for line in listing.splitlines()]
    return sorted(({'name': row[2] if len(row) > 2 else '', 'start': int(row[0], 16),
                    'size': int(row[1])} for row in rows), key=lambda row: row['start'])


def free_ranges(guest, region):
    """The free ranges of a region, worked out from its namespaces."""
    base = int(guest.run(f'cat /sys/bus/nd/devices/{region}/resource'), 16)
    size = int(guest.run(f'cat /sys/bus/nd/devices/{region}/size'))
    ranges, at = [], 0
    for namespace in raw_namespaces(guest, region):
        offset = namespace['start'] - base
        if offset > at:
            ranges.append({'offset_bytes': at, 'bytes': offset - at})
        at = offset + namespace['size']
    return ranges + ([{'offset_bytes': at, 'bytes': size - at}] if size > at else [])


def test_the_report_names_its_node_and_every_pool(guest, agent, regions):
    report = agent.report()
    assert (report['schema'], report['node']) == (1, NODE)
    expected = ['direct/' + region for region in regions.values()]
    assert [pool['id'] for pool in report['pools'] if pool['kind'] == 'direct'] == sorted(expected)
    assert 'lvm/pmemvgregion0' in [pool['id'] for pool in report['pools']]


def test_a_volume_group_is_as_vgs_says(guest, agent):
    pool = agent.pool('lvm/pmemvgregion0')
    group = volume_group(guest, 'pmemvgregion0')
    assert pool['state'] == 'ok'
    assert (pool['total_bytes'], pool['allocatable_bytes'], pool['available_bytes'],
            pool['max_volume_bytes'], pool['alignment_bytes']) == (
                group['vg_size'], group['vg_size'], group['vg_free'], group['vg_free'],
                group['vg_extent_size'])


def test_logical_volumes_of_ours_and_by_hand_are_as_lvs_says(guest, agent):
    assert agent.pool('lvm/pmemvgregion0')['volumes'] == logical_volumes(guest, 'pmemvgregion0')


def test_a_thin_pool_is_a_pool_of_its_own_that_promises_no_room(guest, agent):
    pool = agent.pool('lvm/pmemvgregion1/pool0')
    rows = guest.json(f'lvs {BYTES} -o lv_size pmemvgregion1/pool0')['report'][0]['lv']
    assert (pool['thin'], pool['total_bytes'], pool['max_volume_bytes']) == (
        True, int(rows[0]['lv_size']), 0)
    assert pool['volumes'] == [{'name': 'disk-5a0e1e22-0f6a-4f39-9d3c-0c50c2b9f0d2',
                                'bytes': 1 << 30}]


def test_a_region_with_a_hole_is_as_ndctl_says(guest, agent, regions):
    pool = agent.pool('direct/' + regions['direct'])
    region = ndctl_region(guest, regions['direct'])
    assert pool['state'] == 'ok'
    assert (pool['total_bytes'], pool['available_bytes'], pool['max_volume_bytes'],
            pool['alignment_bytes']) == (
                region['size'], region['available_size'], region['max_available_extent'], 16 * MIB)


def test_free_extents_are_the_ranges_between_the_namespaces(guest, agent, regions):
    extents = agent.pool('direct/' + regions['direct'])['free_extents']
    assert extents == free_ranges(guest, regions['direct'])
    assert [extent['bytes'] for extent in extents][0] == 256 * MIB


def test_namespaces_are_volumes_with_the_bytes_they_take(guest, agent, regions):
    expected = sorted(({'name': row['name'], 'bytes': row['size']}
                       for row in raw_namespaces(guest, regions['direct'])),
                      key=lambda volume: volume['name'])
    assert agent.pool('direct/' + regions['direct'])['volumes'] == expected


def test_free_label_slots_are_as_the_kernel_says(guest, agent, regions):
    dimm = guest.dimm_of(regions['direct'])
    slots = int(guest.run(f'cat /sys/bus/nd/devices/{dimm}/available_slots'))
    assert agent.pool('direct/' + regions['direct'])['label_slots_free'] == slots


def test_a_read_only_region_takes_nothing_and_says_why(agent, regions):
    pool_id = 'direct/' + regions['read_only']
    assert agent.pool(pool_id)['state'] == 'read_only'
    assert pool_id in [error['source'] for error in agent.report()['errors']]


def test_a_label_less_region_takes_nothing_and_says_why(agent, regions):
    pool_id = 'direct/' + regions['label_less']
    assert agent.pool(pool_id)['state'] == 'label_less'
    assert pool_id in [error['source'] for error in agent.report()['errors']]


def test_an_agent_that_is_started_again_goes_on_above_its_old_generations(agent):
    before = agent.report()
    agent.restart()
    after = agent.report()
    assert after['boot_id'] == before['boot_id']
    assert after['generation'] > before['generation']
    assert after['pools'] == before['pools']


def test_the_same_generation_is_answered_304_by_query_and_by_etag(agent):
    status, headers, _ = agent.get('/v1/capacity')
    assert status == 200
    assert agent.report(agent.report()['generation'], '100ms') is None
    assert agent.get('/v1/capacity', {'If-None-Match': headers['ETag']})[0] == 304
