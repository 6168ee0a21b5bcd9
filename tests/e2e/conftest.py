# SPDX-License-Identifier: Apache-2.0
"""One control plane for the session; a kube namespace and fresh nodes for each test."""

import itertools
import os
import pathlib
import re
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from harness import cluster as clusters  # noqa: E402
from scene import Scene  # noqa: E402

NODE_NAMES = [f'node-{i:02}' for i in range(1, 25)]
RUNS = clusters.ROOT / 'build' / 'e2e'
# A silent node is noticed within a test's patience, and what a deleted claim may still owe its node
# is forgotten before another test gets a node of that name.
IMPATIENT = ('--agent-silence-max=5s', '--agent-wait=2s', '--debt-grace=2s')
_numbers = itertools.count(1)


@pytest.fixture(scope='session')
def cluster(request):
    """Everything running. Its logs stay when a test failed."""
    directory = RUNS / f'run-{os.getpid()}'
    shutil.rmtree(directory, ignore_errors=True)
    running = clusters.Cluster(directory, NODE_NAMES)
    try:
        running.start(extender_flags=IMPATIENT)
        yield running
    finally:
        running.stop()
        if request.session.testsfailed:
            print(f'\nlogs: {directory / "logs"}')
        else:
            shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def scene(cluster, request):
    """The test's own kube namespace and nodes. Afterwards: nothing over-committed, nothing left."""
    name = re.sub('[^a-z0-9]+', '-', request.node.name.lower()).strip('-')[:40].rstrip('-')
    one = Scene(cluster, f't{next(_numbers):03}-{name}')
    try:
        yield one
        assert cluster.audit() == []
        assert one.wrong_pins() == []
    finally:
        one.clear()
