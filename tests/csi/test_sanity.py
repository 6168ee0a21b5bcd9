# SPDX-License-Identifier: Apache-2.0
"""The specification's own suite of tests."""

import re
import subprocess

import pytest

from driver import ROOT
from harness import devices

SANITY = ROOT / 'build' / 'controlplane' / 'bin' / 'csi-sanity'
SUITE_SECONDS = 240
# Those that need no capability that we lack (snapshots, attaching, modification, ...).
SPECS_MIN = 50
LAYOUTS = {
    'lvm': devices.layout([devices.volume_group(1 << 46)]),
    'direct': devices.layout(regions=[devices.region(1 << 46)]),
}


@pytest.mark.parametrize('kind,access', [('lvm', 'mount'), ('direct', 'mount'), ('lvm', 'block')])
def test_csi_sanity_passes(driver, kind, access):
    # xfs grows online without the capability CAP_SYS_RESOURCE, which a container may lack.
    driver.start(LAYOUTS[kind], '--file-system=xfs')
    done = subprocess.run(
        [
            SANITY,
            '--csi.endpoint',
            driver.socket,
            '--csi.stagingdir',
            driver.directory / 'staging',
            '--csi.mountdir',
            driver.directory / 'target',
            f'--csi.testvolumeaccesstype={access}',
            *(['--ginkgo.skip=ExpandVolume.*should work'] if kind == 'direct' else []),
        ],
        capture_output=True,
        text=True,
        timeout=SUITE_SECONDS,
        check=False,
    )
    output = re.sub(r'\x1b\[[0-9;]*m', '', done.stdout)
    assert done.returncode == 0, output[-6000:]
    specs = int(re.search(r'Ran (\d+) of', output)[1])
    assert specs >= SPECS_MIN - 2 * (kind == 'direct'), output[-500:]
