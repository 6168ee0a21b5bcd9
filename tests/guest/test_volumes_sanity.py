# SPDX-License-Identifier: Apache-2.0
"""The CSI specification's own suite over real devices. Minutes in an emulated machine: asked for only."""

import os
import pathlib
import re

import pytest

from guest import MIB

SANITY = pathlib.Path(__file__).resolve().parents[2] / 'build' / 'controlplane' / 'bin' / 'csi-sanity'
SUITE_SECONDS_MAX = 500
# Specs for what the driver can do; a direct volume does not grow.
SPECS = {'direct': 48, 'lvm': 50}

if os.environ.get('GUEST_SANITY'):

    @pytest.mark.parametrize('kind', sorted(SPECS))
    def test_csi_sanity_passes_on_real_devices(guest, driver, kind):
        skip = "--ginkgo.skip='ExpandVolume.*should work'" if kind == 'direct' else ''
        output = guest.run(
            f"echo 'pmemType: {kind}' >/tmp/parameters; csi-sanity --csi.endpoint /run/csi.sock"
            ' --csi.stagingdir /tmp/staging --csi.mountdir /tmp/target --csi.testvolumeparameters'
            f' /tmp/parameters --csi.testvolumesize {64 * MIB} --csi.testvolumeexpandsize {128 * MIB}'
            f' {skip} 2>&1 || true', seconds=SUITE_SECONDS_MAX)
        output = re.sub(r'\x1b\[[0-9;]*m', '', output)
        print('\nguest:', kind, re.search(r'Ran .*', output)[0])
        assert f'{SPECS[kind]} Passed | 0 Failed' in output, output[-6000:]
