# SPDX-License-Identifier: Apache-2.0
"""The init container's question to the real API server: for which kind is this node labelled.

What it then does to real regions: tests/guest/test_a_new_node.py.
"""

import json
import re
import subprocess

import pytest

from harness import cluster as clusters
from harness import objects
from scene import lvm

SECONDS = 40
NO_REGION = r'warning: no region to make ready: \d+ regions seen, 0 match --region-pattern, 0 to change'


def init(scene, node, *flags, account='pmem-csi-driver'):
    """(exit status, lines) of a dry run with the rights of the account. This host's regions are not ours."""
    plane = scene.cluster.control_plane
    command = [
        clusters.CSI_PROGRAMS.driver,
        'init',
        '--from-node-label',
        f'--node-name={node}',
        f'--api-server={plane.server}',
        f'--credentials={plane.service_account_directory("pmem-system", account)}',
        '--region-pattern=no-such-region',
        '--lvm-command=none',
        '--dry-run',
        *flags,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    return done.returncode, (done.stdout + done.stderr).splitlines()


@pytest.mark.parametrize(
    'labels,kind',
    [
        ({}, 'none'),
        ({objects.TYPE_LABEL: 'lvm'}, 'lvm'),
        ({objects.TYPE_LABEL_OLD: 'direct'}, 'direct'),
        ({objects.TYPE_LABEL: 'direct', objects.TYPE_LABEL_OLD: 'lvm'}, 'direct'),
        ({objects.TYPE_LABEL: 'none', objects.TYPE_LABEL_OLD: 'lvm'}, 'none'),
    ],
)
def test_the_kind_is_that_of_the_nodes_label(scene, labels, kind):
    node = scene.add_node(lvm(8), labels=labels)
    status, (first, last) = init(scene, node)
    assert (status, first) == (0, f'node {node} is labelled for kind {kind}')
    if kind == 'none':
        assert last == 'kind none: nothing to do'
    else:
        assert re.fullmatch(NO_REGION, last)


def test_the_configuration_shares_the_regions_of_a_labelled_node_only(scene, tmp_path):
    labelled = scene.add_node(lvm(8), labels={objects.TYPE_LABEL: 'lvm'})
    bare = scene.add_node(lvm(8), labels={})
    config = tmp_path / 'init.json'
    config.write_text(json.dumps({'nodes': {n: {'lvm_percent': 30} for n in (labelled, bare)}}))
    status, lines = init(scene, labelled, f'--config={config}')
    assert (status, lines[:-1]) == (
        0,
        [
            f'node {labelled} is labelled for kind lvm',
            'both kinds: 30 % of each region for lvm',
        ],
    )
    assert re.fullmatch(NO_REGION, lines[-1])
    assert init(scene, bare, f'--config={config}') == (
        0,
        [f'node {bare} is labelled for kind none', 'kind none: nothing to do'],
    )
    config.write_text('{"nodes": {"other": {"percent": 1}}}')
    status, lines = init(scene, labelled, f'--config={config}')
    assert status == 1 and lines[-1].endswith('nodes.other.percent: is not known')


def test_whoever_may_not_read_the_node_or_names_none_touches_nothing(scene):
    node = scene.add_node(lvm(8))
    assert init(scene, node, account='pmem-capacity-agent') == (
        1,
        [f'pmem-csi-driver: GET /api/v1/nodes/{node}: the API server answers 403'],
    )
    status, lines = init(scene, 'nowhere')
    assert status == 1 and lines[0].endswith('the API server answers 404')
    scene.api.merge('nodes', node, {'metadata': {'labels': {objects.TYPE_LABEL: 'pmem'}}})
    status, lines = init(scene, node)
    assert status == 1 and 'pmem is none of lvm, direct, none' in lines[0]
