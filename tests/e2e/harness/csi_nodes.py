# SPDX-License-Identifier: Apache-2.0
"""The real CSI driver and the real sidecars of each node, as processes."""

import dataclasses
import json
import os
import pathlib
import subprocess

TOPOLOGY_KEY = 'topology.pmem.csi.alibabacloud.com/node'
ACCOUNT = ('pmem-system', 'pmem-csi-driver')
CALL_SECONDS = 60
START_SECONDS = 40
# As manifests/base/csi_driver_daemonset.yaml has it.
PROVISIONER_FLAGS = (
    '--node-deployment',
    '--node-deployment-immediate-binding=false',
    '--strict-topology',
    '--volume-name-prefix=disk',
    '--default-fstype=ext4',
    '--extra-create-metadata',
    '--worker-threads=8',
    '--timeout=60s',
)
# Likewise. Identities are host names: here all nodes would have the same, so one resizer runs at a time.
RESIZER_FLAGS = (
    '--leader-election',
    '--handle-volume-inuse-error=false',
    '--feature-gates=VolumeAttributesClass=false',
    '--timeout=60s',
)


@dataclasses.dataclass(frozen=True)
class Programs:
    driver: pathlib.Path
    provisioner: pathlib.Path
    resizer: pathlib.Path
    csi_call: pathlib.Path


class CsiNode:
    """Driver and provisioner of one node, over the device file that the node's agent reads."""

    def __init__(self, cluster, node_name, programs):
        self.node_name = node_name
        self.socket = cluster.directory / f'{node_name}.sock'
        self.driver_process = None
        self.provisioner_process = None
        self._cluster = cluster
        self._programs = programs

    @property
    def labels(self):
        """What the kubelet writes on the Node when the driver registers."""
        return {TOPOLOGY_KEY: self.node_name}

    def start(self):
        """wait_ready() returns once both serve; the provisioner waits for the driver by itself."""
        self.start_driver()
        plane = self._cluster.control_plane
        self.provisioner_process = self._cluster.supervisor.start(
            f'provisioner-{self.node_name}',
            [
                self._programs.provisioner,
                f'--kubeconfig={plane.service_account_kubeconfig(*ACCOUNT, self.node_name)}',
                f'--csi-address={self.socket}',
                *PROVISIONER_FLAGS,
            ],
            env={'NODE_NAME': self.node_name},
        )

    def start_driver(self):
        plane = self._cluster.control_plane
        self.driver_process = self._cluster.supervisor.start(
            f'driver-{self.node_name}',
            [
                self._programs.driver,
                f'--node-name={self.node_name}',
                f'--endpoint=unix:{self.socket}',
                '--listen=127.0.0.1:0',
                f'--devices=simulated:{self._cluster.agents[self.node_name].devices.path}',
                f'--api-server={plane.server}',
                f'--credentials={plane.service_account_directory(*ACCOUNT, self.node_name)}',
            ],
        )

    @property
    def metrics_address(self):
        return self.driver_process.wait_for_line('metrics on (.+)')[1]

    def start_resizer(self):
        """The one that leads, for the claims of all nodes; returns once it does."""
        plane = self._cluster.control_plane
        resizer = self._cluster.supervisor.start(
            f'resizer-{self.node_name}',
            [
                self._programs.resizer,
                f'--kubeconfig={plane.service_account_kubeconfig(*ACCOUNT, self.node_name)}',
                f'--csi-address={self.socket}',
                f'--leader-election-namespace={ACCOUNT[0]}',  # In a pod its own, by default.
                *RESIZER_FLAGS,
            ],
        )
        resizer.wait_for_line('Starting external resizer', START_SECONDS)
        return resizer

    def wait_ready(self):
        self.driver_process.wait_for_line('listening on')
        self.provisioner_process.wait_for_line('Started provisioner controller', START_SECONDS)

    def refused(self):
        """Names of the volumes that the driver found no room for, in order."""
        lines = self.driver_process.output().splitlines()
        events = [json.loads(line) for line in lines if 'RESOURCE_EXHAUSTED' in line]
        return [e['object'] for e in events if e['method'] == 'CreateVolume']

    def call(self, method, request):
        """(code, response or message) of a call that a kubelet would make."""
        done = subprocess.run(
            [self._programs.csi_call, f'unix:{self.socket}', method, json.dumps(request)],
            capture_output=True,
            text=True,
            check=True,
            timeout=CALL_SECONDS,
            env=dict(os.environ, GRPC_VERBOSITY='NONE'),
        )
        answer = json.loads(done.stdout)
        return answer['code'], answer.get('response', answer.get('message'))

    def mount(self, volume, staging, target, file_system='ext4'):
        """As a kubelet does for a pod that starts. `staging` is there, `target` is not."""
        use = {'volume_id': volume, 'volume_capability': capability(file_system)}
        paths = {'staging_target_path': str(staging)}
        for method in ('NodeStageVolume', 'NodePublishVolume'):
            paths |= {'target_path': str(target)} if method == 'NodePublishVolume' else {}
            code, answer = self.call(f'csi.v1.Node/{method}', {**use, **paths})
            assert code == 'OK', answer

    def unmount(self, volume, staging, target):
        self.call('csi.v1.Node/NodeUnpublishVolume', {'volume_id': volume, 'target_path': str(target)})
        self.call(
            'csi.v1.Node/NodeUnstageVolume',
            {'volume_id': volume, 'staging_target_path': str(staging)},
        )

    def expand(self, volume, target, size_bytes):
        """(code, answer) of a kubelet's call to grow it."""
        request = {'volume_id': volume, 'volume_path': str(target)}
        request['capacity_range'] = {'required_bytes': str(size_bytes)}
        return self.call('csi.v1.Node/NodeExpandVolume', request)


def capability(file_system='ext4'):
    return {'access_mode': {'mode': 'SINGLE_NODE_WRITER'}, 'mount': {'fs_type': file_system}}
