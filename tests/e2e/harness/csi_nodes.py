# SPDX-License-Identifier: Apache-2.0
"""The real CSI driver and the real external-provisioner of each node, as processes."""

import json
import os
import subprocess

TOPOLOGY_KEY = 'topology.pmem.csi.alibabacloud.com/node'
CALL_SECONDS = 60
# As manifests/base/csi_driver_daemonset.yaml has it.
PROVISIONER_FLAGS = (
    '--node-deployment',
    '--node-deployment-immediate-binding=false',
    '--strict-topology',
    '--volume-name-prefix=disk',
    '--default-fstype=ext4',
    '--worker-threads=8',
    '--timeout=60s',
)


class CsiNode:
    """Driver and provisioner of one node, over the device file that the node's agent reads."""

    def __init__(self, cluster, node_name, driver, provisioner, csi_call):
        self.node_name = node_name
        self.socket = cluster.directory / f'{node_name}.sock'
        self._cluster = cluster
        self._driver, self._provisioner, self._csi_call = driver, provisioner, csi_call

    def start(self, *provisioner_flags):
        self.start_driver()
        kubeconfig = self._cluster.control_plane.service_account_kubeconfig(
            'pmem-system', 'pmem-csi-driver'
        )
        self._cluster.supervisor.start(
            f'provisioner-{self.node_name}',
            [
                self._provisioner,
                f'--kubeconfig={kubeconfig}',
                f'--csi-address={self.socket}',
                *PROVISIONER_FLAGS,
                *provisioner_flags,
            ],
            env={'NODE_NAME': self.node_name},
        )

    def start_driver(self):
        process = self._cluster.supervisor.start(
            f'driver-{self.node_name}',
            [
                self._driver,
                f'--node-name={self.node_name}',
                f'--endpoint=unix:{self.socket}',
                f'--devices=simulated:{self._cluster.agents[self.node_name].devices.path}',
            ],
        )
        process.wait_for_line('listening on')
        self.driver_process = process

    def label(self):
        """What the kubelet writes on the Node when the driver registers."""
        labels = {TOPOLOGY_KEY: self.node_name}
        self._cluster.api.merge('nodes', self.node_name, {'metadata': {'labels': labels}})

    def call(self, method, request):
        """(code, response or message) of a call that a kubelet would make."""
        done = subprocess.run(
            [self._csi_call, f'unix:{self.socket}', method, json.dumps(request)],
            capture_output=True,
            text=True,
            check=True,
            timeout=CALL_SECONDS,
            env=dict(os.environ, GRPC_VERBOSITY='NONE'),
        )
        answer = json.loads(done.stdout)
        return answer['code'], answer.get('response', answer.get('message'))


def capability(file_system='ext4'):
    return {'access_mode': {'mode': 'SINGLE_NODE_WRITER'}, 'mount': {'fs_type': file_system}}


