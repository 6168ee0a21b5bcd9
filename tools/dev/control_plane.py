# SPDX-License-Identifier: Apache-2.0
"""Builds the real control plane that demo and end-to-end tests run: Kubernetes and etcd from Go modules.

Each program has a stamp beside it, the digest of what it was built from; it is built again only
when that changes. About 3.5 minutes on 2 cores from nothing, no time when all is current. Prometheus is as much again.
"""

import dataclasses
import hashlib
import json
import os
import pathlib
import platform
import re
import subprocess

import builds

MODULE = builds.ROOT / 'tests' / 'e2e' / 'controlplane'
CSI_MODULE = builds.ROOT / 'tests' / 'csi' / 'tools'
NODE_MODULE = builds.ROOT / 'tests' / 'walkthrough' / 'node_programs'
BINARIES = builds.BUILD / 'controlplane' / 'bin'
KUBERNETES = 'v1.36.3'
TOOLCHAIN_SECONDS_MAX = 900  # Some 70 MB.
_VERSION = 'k8s.io/component-base/version'
LINKER_FLAGS = (
    f'-s -w -X {_VERSION}.gitVersion={KUBERNETES} -X {_VERSION}.gitMajor=1 '
    f'-X {_VERSION}.gitMinor=36'
)


@dataclasses.dataclass(frozen=True)
class Program:
    name: str
    package: str
    module: pathlib.Path = MODULE
    tags: str = ''

    @property
    def binary(self):
        return BINARIES / self.name

    @property
    def stamp(self):
        return BINARIES / f'.{self.name}.stamp'

    def digest(self):
        digest = hashlib.sha256(f'{self.package}\n{LINKER_FLAGS}\n{self.tags}'.encode())
        for path in (
            self.module / 'go.mod',
            self.module / 'go.sum',
            *sorted(self.module.glob('*.go')),
        ):
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def is_current(self):
        return (
            self.binary.exists() and self.stamp.exists() and self.stamp.read_text() == self.digest()
        )

    def mark_current(self):
        self.stamp.unlink(missing_ok=True)  # It may be linked from another tree.
        self.stamp.write_text(self.digest())


PROGRAMS = (
    Program('etcd', '.', MODULE / 'etcd'),
    Program('kube-apiserver', 'k8s.io/kubernetes/cmd/kube-apiserver'),
    Program('kube-scheduler', 'k8s.io/kubernetes/cmd/kube-scheduler'),
    Program('kube-controller-manager', 'k8s.io/kubernetes/cmd/kube-controller-manager'),
    Program('kubectl', 'k8s.io/kubernetes/cmd/kubectl'),
)
PROVISIONER = Program(
    'csi-provisioner',
    'github.com/kubernetes-csi/external-provisioner/v6/cmd/csi-provisioner',
    CSI_MODULE,
)
RESIZER = Program(
    'csi-resizer',
    'github.com/kubernetes-csi/external-resizer/v2/cmd/csi-resizer',
    CSI_MODULE,
)
SIDECARS = (PROVISIONER, RESIZER)  # Beside the driver in its pod.

# For the emulated nodes of tests/walkthrough.
NODE_PROGRAMS = (
    Program('kubelet', 'k8s.io/kubernetes/cmd/kubelet', NODE_MODULE),
    Program('kube-proxy', 'k8s.io/kubernetes/cmd/kube-proxy', NODE_MODULE),
)

# What the tests of manifests/ render the chart with.
HELM = Program('helm', 'helm.sh/helm/v3/cmd/helm', builds.ROOT / 'tests' / 'e2e' / 'helm')

# Debian's has no Kubernetes discovery; of all that there is this one has no other.
PROMETHEUS = Program(
    'prometheus',
    'github.com/prometheus/prometheus/cmd/prometheus',
    builds.ROOT / 'tests' / 'e2e' / 'prometheus',
    'remove_all_sd,enable_kubernetes_sd',
)

# The CSI specification's tests, for tests/csi.
CSI_PROGRAMS = (Program('csi-sanity', 'github.com/kubernetes-csi/csi-test/v5/cmd/csi-sanity', CSI_MODULE),)


def missing(programs=PROGRAMS):
    return [p for p in programs if not p.is_current()]


def _go_version(go):
    done = subprocess.run(
        [go, 'env', 'GOVERSION'],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ, GOTOOLCHAIN='local'),
    )
    return tuple(map(int, re.findall(r'\d+', done.stdout)[:2]))


def go_environment():
    """Environment for go: no C, no version control stamping, and the toolchain that go.mod asks for.

    A go before 1.21 (Debian 12's own) cannot switch by itself, but can fetch the module that later
    ones switch to; its files come without their executable bits.
    """
    env = dict(os.environ, CGO_ENABLED='0', GOFLAGS='-buildvcs=false', GOTOOLCHAIN='local')
    need = re.search(r'(?m)^go (\d+)\.(\d+)\S*', (MODULE / 'go.mod').read_text())
    have = _go_version('go')
    if have >= (int(need[1]), int(need[2])):
        return env
    if have >= (1, 21):
        return dict(env, GOTOOLCHAIN='auto')
    machine = {'x86_64': 'amd64', 'aarch64': 'arm64'}[platform.machine()]
    fetched = subprocess.run(
        [
            'go',
            'mod',
            'download',
            '-json',
            f'golang.org/toolchain@v0.0.1-go{need[0].split()[1]}.linux-{machine}',
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd='/',
        env=dict(env, GO111MODULE='on'),
        timeout=TOOLCHAIN_SECONDS_MAX,
    )
    root = pathlib.Path(json.loads(fetched.stdout)['Dir'])
    for tool in (*(root / 'bin').iterdir(), *(root / 'pkg' / 'tool').rglob('*')):
        tool.chmod(0o755)
    return dict(env, PATH=f'{root / "bin"}:{env["PATH"]}', GOROOT=str(root))


def build_commands(program, nice=0):
    """Commands to run in any directory; the caller marks the program current when they succeed."""
    BINARIES.mkdir(parents=True, exist_ok=True)
    # go writes into the file that is there, which may be running, or linked from another tree.
    fresh = program.binary.with_suffix('.new')
    return [
        [
            'nice',
            '-n',
            str(nice),
            'go',
            'build',
            '-C',
            program.module,
            '-trimpath',
            '-tags',
            program.tags,
            '-ldflags',
            LINKER_FLAGS,
            '-o',
            fresh,
            program.package,
        ],
        ['mv', fresh, program.binary],
    ]
