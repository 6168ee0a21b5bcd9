# SPDX-License-Identifier: Apache-2.0
"""A driver over simulated devices for each test: real loop devices, file systems and mounts."""

import ctypes
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests' / 'e2e'))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from driver import Driver  # noqa: E402

RUNS = ROOT / 'build' / 'csi'
CLONE_NEWNS = 0x00020000  # <sched.h>


def why_no_mounts():
    """Why this machine cannot attach and mount files, or ''."""
    if os.geteuid() != 0:
        return 'needs root, for loop devices and mounts'
    if not os.path.exists('/dev/loop-control'):
        return 'this kernel has no loop devices'
    done = subprocess.run(['losetup', '--find'], capture_output=True, text=True, check=False)
    return '' if done.returncode == 0 else f'no loop device to be had: {done.stderr.strip()}'


def keep_mounts_to_ourselves():
    """Whoever makes a set of mounts of its own meanwhile, as other tests do, would have ours in it: they stay in use there."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), 'unshare')
    subprocess.run(['mount', '--make-rprivate', '/'], check=True)


@pytest.fixture(scope='session')
def mounts():
    if reason := why_no_mounts():
        pytest.skip(reason)
    keep_mounts_to_ourselves()


@pytest.fixture
def driver(request, mounts):
    """Not started yet: the test says over which devices. Its folder stays when the test failed."""
    name = re.sub('[^a-z0-9]+', '-', request.node.name.lower()).strip('-')[:40]
    directory = RUNS / f'{os.getpid()}-{name}'
    shutil.rmtree(directory, ignore_errors=True)
    failed_before = request.session.testsfailed
    one = Driver(directory)
    try:
        yield one
    finally:
        one.clear()
    assert one.leftovers() == [] and one.findings() == []
    if request.session.testsfailed == failed_before:
        shutil.rmtree(directory)
