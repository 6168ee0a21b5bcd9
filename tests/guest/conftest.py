# SPDX-License-Identifier: Apache-2.0
"""One machine for all tests: labelled NVDIMMs, VolumeGroups, namespaces with a hole between."""

import json
import os
import pathlib
import sys
import time

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / 'csi'))
sys.path.append(str(TESTS / 'e2e'))
from guest import GIB, NVDIMMS, Guest  # noqa: E402
from machine_door import CommandFailed  # noqa: E402
from harness import waiting  # noqa: E402
from driver_in_guest import RELAY_PORT, Driver  # noqa: E402
from test_volumes_sanity import SANITY  # noqa: E402

AGENT_PORT = 9100
AGENT_START_SECONDS_MAX = 20
NODE = 'guest-node'
PROGRAMS = ('AGENT', 'DRIVER', 'UNIX_RELAY', 'KILL_AT')  # Environment variables with their paths.


@pytest.fixture(scope='session')
def guest():
    """The booted machine with the agent's program in it, devices untouched."""
    began = time.monotonic()
    extra = [SANITY] if os.environ.get('GUEST_SANITY') else []
    machine = Guest(os.environ['GUEST_WORK'], forward=[AGENT_PORT, RELAY_PORT],
                    programs=[pathlib.Path(os.environ[name]) for name in PROGRAMS] + extra)
    print(f'\nguest: booted in {time.monotonic() - began:.1f} s')
    yield machine
    machine.stop()


@pytest.fixture(scope='session')
def regions(guest):
    """{role in NVDIMMS: region name}, found by size; all but the label-less one get labels."""
    roles = {dimm['gib'] * GIB: role for role, dimm in NVDIMMS.items()}
    found = {roles[region['size']]: region['dev'] for region in guest.json('ndctl list -R')}
    assert sorted(found) == sorted(NVDIMMS)
    dimms = [guest.dimm_of(found[role]) for role in found if role != 'label_less']
    guest.run(f"ndctl disable-region all && ndctl init-labels -f {' '.join(dimms)} &&"
              ' ndctl enable-region all')
    return found


@pytest.fixture(scope='session')
def volumes(guest, regions):
    """Volumes as a driver and an administrator leave them: ours, foreign, thin, and a hole.

    lvm: pmemvgregion0 with one volume of ours and one made by hand; pmemvgregion1 with a thin pool.
    direct: three namespaces, the middle one destroyed.
    """
    pool = guest.create_namespace(regions['lvm'], '2G', 'pool')
    thin = guest.create_namespace(regions['lvm'], '512M', 'thin')
    guest.run(rf"""set -e
        vgcreate -q pmemvgregion0 /dev/{pool['blockdev']}
        lvcreate -q -y -n disk-0f6a1e22-5a0e-4f39-9d3c-0c50c2b9f0d1 -L 128M pmemvgregion0
        lvcreate -q -y -n by-hand -L 64M pmemvgregion0
        vgcreate -q pmemvgregion1 /dev/{thin['blockdev']}
        lvcreate -q -y --type thin-pool -L 256M -n pool0 pmemvgregion1
        lvcreate -q -y --thin -V 1G -n disk-5a0e1e22-0f6a-4f39-9d3c-0c50c2b9f0d2 \
          pmemvgregion1/pool0""")
    made = [guest.create_namespace(regions['direct'], '256M', f'disk-{name}') for name in 'abc']
    guest.run(f"ndctl destroy-namespace -f {made[1]['dev']}")


@pytest.fixture(scope='session')
def agent(guest, volumes):
    """The real agent, started in the machine once the volumes are there."""
    running = Agent(guest)
    running.start()
    return running


@pytest.fixture(scope='session')
def driver(guest, volumes):
    """The real driver over the real devices, beside the volumes that are there."""
    running = Driver(guest)
    running.start()
    return running


@pytest.fixture
def unchanged(guest, driver):
    """Whatever a test does, afterwards there is as much room as before, and no volume more."""
    look = ('vgs --noheadings -o vg_free,lv_count; cat /sys/bus/nd/devices/region?/available_size;'
            " ndctl list -N | grep '\"name\"' | sort || true")
    before = guest.run(look)
    yield
    assert guest.run(look) == before


class Agent:
    """pmem-capacity-agent in the machine, seen over HTTP as the extender sees it."""

    def __init__(self, guest):
        self._guest = guest

    def start(self):
        """Returns once /readyz is 200."""
        # A slow re-read, so that a change that shows up at once was seen by its event.
        self._guest.run(f'setsid pmem-capacity-agent --node-name {NODE} --devices real --resync 60s'
                        f' --listen 0.0.0.0:{AGENT_PORT} >/tmp/agent.log 2>&1 &')
        try:
            waiting.until(self._is_ready, 'the agent is ready', AGENT_START_SECONDS_MAX)
        except waiting.Timeout as late:
            raise CommandFailed(f'{late}:\n' + self._guest.run('cat /tmp/agent.log')) from late

    def _is_ready(self):
        try:
            return self._guest.get(AGENT_PORT, '/readyz', seconds=2)[0] == 200
        except OSError:
            return False  # The port does not listen yet.

    def crash(self):
        """SIGKILL, and a new one, which knows nothing of what the one before saw."""
        self._guest.run('killall -9 pmem-capacity-agent && while pidof pmem-capacity-agent; do sleep 0.02;'
                        ' done')
        self.start()

    def restart(self):
        """SIGTERM, which ends it, and a new one."""
        self._guest.run('killall pmem-capacity-agent && while pidof pmem-capacity-agent; do sleep 0.05;'
                        ' done')
        self.start()

    def get(self, path, headers=None):
        """(status, headers, body) of a GET."""
        return self._guest.get(AGENT_PORT, path, headers)

    def report(self, generation=None, wait=None):
        """The report; with `generation`, the next one that differs, or None after `wait`."""
        query = '' if generation is None else f'?generation={generation}&wait={wait}'
        status, _, body = self.get('/v1/capacity' + query)
        if status == 304:
            return None
        assert status == 200, body
        return json.loads(body)

    def pool(self, pool_id):
        """One pool of the report."""
        pools = {pool['id']: pool for pool in self.report()['pools']}
        assert pool_id in pools, f'no {pool_id} among {sorted(pools)}'
        return pools[pool_id]
