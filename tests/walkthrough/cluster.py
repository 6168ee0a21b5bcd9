# SPDX-License-Identifier: Apache-2.0
"""The whole cluster: a control plane on this host, nodes as emulated machines, kubectl."""

import pathlib
import shutil
import subprocess
import tempfile

import paths
import network
import node
import node_disk
import plane
from harness import processes, waiting

KUBECTL_SECONDS = 120
NODE_READY_SECONDS = 240
# name: (number, GiB of NVDIMM, emulated processors)
NODES = {'pmem-1': (1, 28, 2), 'pmem-2': (2, 20, 1)}


class Cluster:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory).resolve()
        self.supervisor = processes.Supervisor(self.directory / 'logs')
        # Paths of sockets are short.
        self._sockets = pathlib.Path(tempfile.mkdtemp(prefix='pmem-walkthrough-'))
        self.network = network.Network(self._sockets / 'network')
        self.switch = network.Switch(self._sockets / 'switch')
        self.plane = plane.Plane(
            self.directory / 'control-plane', self.supervisor, self.network, NODES
        )
        self.nodes = {}

    @property
    def api(self):
        return self.plane.admin

    def start_nodes(self):
        """They boot side by side; wait_for_nodes() returns when all are Ready."""
        for name, (number, gib, processors) in NODES.items():
            one = node.Node(self.directory / name, name, number, gib, processors, self.switch.path, self._sockets,
                            self.supervisor)
            one.prepare(node_disk.DISK, {
                'kubelet.kubeconfig': self.plane.node_kubeconfig(name),
                'kube-proxy.kubeconfig': self.plane.node_kubeconfig('kube-proxy'),
                'ca.crt': self.plane.certificate,
                'client-ca.crt': self.plane.client_ca,
            })
            one.start()
            self.nodes[name] = one
            self.network.nodes.append(one)

    def wait_for_nodes(self):
        for one in self.nodes.values():
            one.wait_for_door()
        for name in self.nodes:
            waiting.until(lambda name=name: self.is_ready(name), f'{name} is Ready', NODE_READY_SECONDS, poll=0.2)

    def cut_power(self, name):
        """For a moment: it boots again when this returns."""
        self.nodes[name].power_off()
        self.nodes[name].start()

    def is_ready(self, name):
        found = self.api.find('nodes', name) or {'status': {}}
        conditions = {c['type']: c['status'] for c in found['status'].get('conditions', [])}
        return conditions.get('Ready') == 'True'

    def shell(self, command, check=True, seconds=KUBECTL_SECONDS):
        """Output of a shell's command at the top of this repository; kubectl is an administrator's."""
        done = subprocess.run(
            ['timeout', str(seconds), 'bash', '-o', 'pipefail', '-c', command], cwd=paths.ROOT, text=True, check=False,
            env={'KUBECONFIG': str(self.plane.kubeconfig), 'PATH': f'{paths.BINARIES}:/usr/bin:/bin',
                 'HOME': str(self.directory), 'GOGC': 'off'},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        if check and done.returncode != 0:
            raise AssertionError(f'status {done.returncode}: {command}\n{done.stdout}')
        return done.stdout

    def state(self):
        """For somebody who looks for what went wrong."""
        said = [self.shell(f'kubectl {words}', check=False, seconds=20) for words in (
            'get nodes -o wide', 'get pods,pvc -A -o wide', 'get events -A --sort-by=.lastTimestamp')]
        return '\n'.join(text[-6000:] for text in said)

    def stop(self):
        self.supervisor.stop_all()
        self.network.stop()
        self.switch.stop()
        shutil.rmtree(self._sockets, ignore_errors=True)
        for one in self.nodes.values():
            for big in ('disk.img', 'nvdimm', 'initramfs.cpio'):
                (one.work / big).unlink(missing_ok=True)
