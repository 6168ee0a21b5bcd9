# SPDX-License-Identifier: Apache-2.0
"""One control plane for the session; a kube namespace and fresh nodes for each test."""

import itertools
import os
import pathlib
import re
import shutil
import sys

import pytest
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from harness import cluster as clusters, control_plane, processes  # noqa: E402
from scene import Scene  # noqa: E402
from shipped import MANIFESTS, kubectl  # noqa: E402

NODE_NAMES = [f'node-{i:02}' for i in range(1, 25)]
REAL_NODE_NAMES = [f'real-{i}' for i in range(1, 8)]
RUNS = clusters.ROOT / 'build' / 'e2e'
# A silent node is noticed within a test's patience, and what a deleted claim may still owe its node
# is forgotten before another test gets a node of that name.
IMPATIENT = ('--agent-silence-max=5s', '--agent-wait=2s', '--debt-grace=2s', '--drift-grace=3s')
_numbers = itertools.count(1)


@pytest.fixture(scope='session')
def cluster(request):
    """Everything running, many nodes, the fake provisioner for all of them."""
    yield from running_cluster(request, 'run', NODE_NAMES)


@pytest.fixture(scope='session')
def real_cluster(request):
    """Everything running, some nodes, the real driver and the real external-provisioner on each."""
    yield from running_cluster(request, 'real', REAL_NODE_NAMES, real_csi=True)


def running_cluster(request, title, node_names, **options):
    """Its logs stay when a test failed."""
    directory = RUNS / f'{title}-{os.getpid()}'
    shutil.rmtree(directory, ignore_errors=True)
    running = clusters.Cluster(directory, node_names, **options)
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
    yield from scene_in(cluster, request)


@pytest.fixture
def real_scene(real_cluster, request):
    """The same where volumes are made by the real driver, as the real external-provisioner asks."""
    yield from scene_in(real_cluster, request)


def scene_in(cluster, request):
    name = re.sub('[^a-z0-9]+', '-', request.node.name.lower()).strip('-')[:40].rstrip('-')
    one = Scene(cluster, f't{next(_numbers):03}-{name}')
    try:
        yield one
        assert cluster.audit() == []
        assert one.wrong_pins() == []
    finally:
        one.clear()


@pytest.fixture(scope='module')
def kubernetes(tmp_path_factory):
    """etcd and an API server, with kube_namespace and roles installed."""
    supervisor = processes.Supervisor(tmp_path_factory.mktemp('manifests') / 'logs')
    plane = control_plane.ControlPlane(tmp_path_factory.mktemp('control-plane'), clusters.BINARIES,
                                       supervisor)
    plane.start()
    kubectl(plane, 'apply', '--server-side', '-f', MANIFESTS / 'base' / 'kube_namespace.yaml',
            '-f', MANIFESTS / 'base' / 'extender_rbac.yaml', '-f', MANIFESTS / 'base' / 'csi_driver_rbac.yaml')
    yield plane
    plane.stop()


@pytest.fixture(scope='session')
def rules(tmp_path_factory):
    """The shipped alerts as a file of Prometheus' own."""
    path = tmp_path_factory.mktemp('rules') / 'rules.yaml'
    shipped = yaml.safe_load((MANIFESTS / 'components' / 'monitoring' / 'rules.yaml').read_text())
    path.write_text(yaml.safe_dump(shipped['spec']))
    return path
