# SPDX-License-Identifier: Apache-2.0
"""One pmem-csi-driver over simulated devices, and the calls that a kubelet makes."""

import json
import os
import pathlib
import subprocess

from harness import devices, processes

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = ROOT / 'build' / 'release'
PROGRAM = RELEASE / 'csi-driver' / 'pmem-csi-driver'
CSI_CALL = RELEASE / 'tests' / 'csi' / 'csi-call'
CALL_SECONDS = 70
WRITER = {'access_mode': {'mode': 'SINGLE_NODE_WRITER'}}


def mounted(file_system='ext4', options=()):
    """The capability of a claim with a file system."""
    return {**WRITER, 'mount': {'fs_type': file_system, 'mount_flags': list(options)}}


BLOCK = {**WRITER, 'block': {}}


class Refused(Exception):
    """A call ended with another code than OK."""

    def __init__(self, code, message):
        super().__init__(f'{code}: {message}')
        self.code = code
        self.message = message


class Driver:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True)
        self.devices = devices.SimulatedDevices(self.directory / 'devices.json')
        self.socket = self.directory / 'csi.sock'
        self.supervisor = processes.Supervisor(self.directory / 'logs')
        self.process = None

    def start(self, layout=None, *flags):
        """Over `layout`, or over what is there already."""
        if layout is not None:
            self.devices.write(layout)
        self.process = self.supervisor.start(
            'driver',
            [
                PROGRAM,
                '--node-name=node-1',
                f'--endpoint=unix:{self.socket}',
                f'--devices=simulated:{self.devices.path}',
                *flags,
            ],
        )
        self.process.wait_for_line('listening on')

    def call(self, method, request):
        """The response; Refused for any code but OK."""
        answer = self.spawn(method, request).answer()
        if answer['code'] != 'OK':
            raise Refused(answer['code'], answer['message'])
        return answer['response']

    def spawn(self, method, request):
        """The same call, under way."""
        return PendingCall(self.socket, method, request)

    def code(self, method, request):
        return self.spawn(method, request).answer()['code']

    def create(self, name, size_bytes, kind='lvm', capability=None, **more):
        return self.call('csi.v1.Controller/CreateVolume', creation(name, size_bytes, kind, capability, **more))[
            'volume'
        ]

    def delete(self, volume_id):
        self.call('csi.v1.Controller/DeleteVolume', {'volume_id': volume_id})

    def stage(self, volume_id, capability=None):
        self.staging(volume_id).mkdir(parents=True, exist_ok=True)
        self.call(
            'csi.v1.Node/NodeStageVolume',
            {
                'volume_id': volume_id,
                'staging_target_path': str(self.staging(volume_id)),
                'volume_capability': capability or mounted(),
            },
        )

    def publish(self, volume_id, capability=None, readonly=False):
        """Where a pod would see it."""
        self.call(
            'csi.v1.Node/NodePublishVolume',
            {
                'volume_id': volume_id,
                'staging_target_path': str(self.staging(volume_id)),
                'target_path': str(self.target(volume_id)),
                'volume_capability': capability or mounted(),
                'readonly': readonly,
            },
        )
        return self.target(volume_id)

    def unpublish(self, volume_id):
        self.call(
            'csi.v1.Node/NodeUnpublishVolume',
            {'volume_id': volume_id, 'target_path': str(self.target(volume_id))},
        )

    def unstage(self, volume_id):
        self.call(
            'csi.v1.Node/NodeUnstageVolume',
            {'volume_id': volume_id, 'staging_target_path': str(self.staging(volume_id))},
        )

    def staging(self, volume_id):
        return self.directory / 'staging' / volume_id

    def target(self, volume_id):
        path = self.directory / 'pods' / volume_id
        path.parent.mkdir(exist_ok=True)
        return path

    def leftovers(self):
        """Mounts and loop devices below our folder."""
        mounts = pathlib.Path('/proc/self/mountinfo').read_text()
        loops = subprocess.run(['losetup', '--list', '--noheadings', '--output=NAME,BACK-FILE'],
                               capture_output=True, text=True, check=True).stdout
        return [line for line in (mounts + loops).split('\n') if f'{self.directory}/' in line]

    def clear(self):
        """Ends the driver, and whatever a failed test left mounted and attached."""
        self.supervisor.stop_all()
        paths = [line.split()[4] for line in self.leftovers() if ' - ' in line]
        for path in reversed(paths):
            subprocess.run(['umount', path], check=False)
        for line in self.leftovers():
            subprocess.run(['losetup', '--detach', line.split()[0]], check=False)


def creation(name, size_bytes, kind='lvm', capability=None, **more):
    """A CreateVolume request."""
    return {
        'name': name,
        'capacity_range': {'required_bytes': str(size_bytes)},
        'volume_capabilities': [capability or mounted()],
        'parameters': {'pmemType': kind} if kind else {},
        **more,
    }


class PendingCall:
    def __init__(self, socket, method, request):
        self._process = subprocess.Popen(
            [CSI_CALL, f'unix:{socket}', method, json.dumps(request)],
            stdout=subprocess.PIPE,
            text=True,
            env=dict(os.environ, GRPC_VERBOSITY='NONE'),
        )

    def answer(self):
        out, _ = self._process.communicate(timeout=CALL_SECONDS)
        return json.loads(out)
