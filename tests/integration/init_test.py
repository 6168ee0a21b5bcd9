# SPDX-License-Identifier: Apache-2.0
"""`pmem-csi-driver init` where LVM does not answer. This host's regions are not ours, and it is a dry run."""

import os
import subprocess

SECONDS_MAX = 60
TRIES = 3


def init(*flags):
    """(exit status, lines of stdout, stderr)"""
    command = [os.environ['DRIVER'], 'init', '--kind=lvm', '--lvm-command=false', '--region-pattern=no-such-region',
               '--dry-run', *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS_MAX)
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_a_device_that_fails_is_an_error():
    status, lines, complaint = init()
    assert (status, lines) == (1, [])
    assert 'lvm: exit status 1' in complaint


def test_failures_are_told_and_do_not_keep_the_driver_from_starting():
    status, lines, complaint = init('--accept-failures')
    assert (status, complaint) == (0, '')
    assert len(lines) == TRIES + 1 and lines[-1] == 'warning: given up; what failed is not ready'
    assert all(line.startswith('warning: lvm: exit status 1') for line in lines[:-1])


def test_what_says_the_kind_must_be_known_all_the_same():
    status, _, complaint = init('--kind=none', '--from-node-label', '--node-name=n1', '--api-server=http://127.0.0.1:1',
                                '--accept-failures')
    assert status == 1 and complaint
