# SPDX-License-Identifier: Apache-2.0
"""Where things are, and the other tests' modules that this folder uses."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / 'tests' / 'walkthrough'
WORK = ROOT / 'build' / 'walkthrough'
KERNEL = ROOT / 'build' / 'guest' / 'kernel'
IMAGES = ROOT / 'build' / 'images'
BINARIES = ROOT / 'build' / 'controlplane' / 'bin'
MANIFESTS = ROOT / 'manifests'

for folder in ('guest', 'e2e'):
    sys.path.append(str(ROOT / 'tests' / folder))
