# SPDX-License-Identifier: Apache-2.0
"""What ships in manifests/, as tests read it, and kubectl."""
import functools
import pathlib
import re
import subprocess

import yaml

from harness import cluster

MANIFESTS = pathlib.Path(__file__).resolve().parents[2] / 'manifests'
PROMETHEUS_OPERATOR = ('github.com/prometheus-operator/prometheus-operator', 'v0.85.0',
                       'h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=')


def kubectl(plane, *arguments, stdin=None):
    """Output of kubectl as administrator. Without a control plane for what needs none."""
    command = [cluster.BINARIES / 'kubectl', *map(str, arguments)]
    if plane:
        command.insert(1, f'--kubeconfig={plane.kubeconfig}')
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f'{command}\n{done.stdout}{done.stderr}'
    return done.stdout


def render(directory):
    """(text, objects) that kustomize makes of a directory."""
    text = _kustomized(directory) if directory.is_relative_to(MANIFESTS) else kubectl(None, 'kustomize', directory)
    return text, list(yaml.safe_load_all(text))


@functools.cache
def _kustomized(directory):
    """Of what ships, which stays as it is. Many tests look at the same; each gets objects of its own to change."""
    return kubectl(None, 'kustomize', directory)


def only(found):
    """The one element."""
    assert len(found) == 1, found
    return found[0]


def find(rendered, kind, name):
    """The object of that kind and name."""
    return only([o for o in rendered if (o['kind'], o['metadata']['name']) == (kind, name)])


def render_with(components, folder):
    """The base with components, rendered in an empty folder."""
    (folder / 'kustomization.yaml').write_text(yaml.safe_dump({
        'resources': ['../base'], 'components': [f'../components/{c}' for c in components.split()]}))
    # kustomize wants everything below one directory.
    for part in ('base', 'components'):
        (folder.parent / part).symlink_to(MANIFESTS / part)
    return render(folder)


def control_plane_version():
    return re.search(r'k8s.io/kubernetes (v\S+)', (
        MANIFESTS.parent / 'tests' / 'e2e' / 'controlplane' / 'go.mod').read_text())[1]
