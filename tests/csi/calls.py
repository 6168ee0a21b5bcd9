# SPDX-License-Identifier: Apache-2.0
"""The calls that a provisioner and a kubelet make of the driver, wherever it runs."""

import json
import os
import subprocess

CALL_SECONDS = 70

WRITER = {'access_mode': {'mode': 'SINGLE_NODE_WRITER'}}
BLOCK = {**WRITER, 'block': {}}


def mounted(file_system='ext4', options=()):
    """The capability of a claim with a file system."""
    return {**WRITER, 'mount': {'fs_type': file_system, 'mount_flags': list(options)}}


class Refused(Exception):
    """A call ended with another code than OK."""

    def __init__(self, code, message):
        super().__init__(f'{code}: {message}')
        self.code = code
        self.message = message


def creation(name, size_bytes, kind='lvm', capability=None, **more):
    """A CreateVolume request."""
    return {
        'name': name,
        'capacity_range': {'required_bytes': str(size_bytes)},
        'volume_capabilities': [capability or mounted()],
        'parameters': {'pmemType': kind} if kind else {},
        **more,
    }


class Calls:
    """What makes a call is the subclass's: answer(), and make_directory() on the driver's node."""

    root = ''  # The folder of staging and pods' paths.

    def answer(self, method, request):
        """{'code': 'OK', 'response': {...}}, or another code and 'message'."""
        raise NotImplementedError

    def make_directory(self, path):
        raise NotImplementedError

    def call(self, method, request):
        """The response; Refused for any code but OK."""
        answer = self.answer(method, request)
        if answer['code'] != 'OK':
            raise Refused(answer['code'], answer['message'])
        return answer['response']

    def code(self, method, request):
        return self.answer(method, request)['code']

    def create(self, name, size_bytes, kind='lvm', capability=None, **more):
        request = creation(name, size_bytes, kind, capability, **more)
        return self.call('csi.v1.Controller/CreateVolume', request)['volume']

    def delete(self, volume_id):
        self.call('csi.v1.Controller/DeleteVolume', {'volume_id': volume_id})

    def capacity(self, kind):
        """(available, largest) in bytes."""
        found = self.call('csi.v1.Controller/GetCapacity', {'parameters': {'pmemType': kind}})
        return int(found.get('available_capacity', 0)), int(found.get('maximum_volume_size', 0))

    def volumes(self):
        """{id: bytes} of all volumes of ours."""
        entries = self.call('csi.v1.Controller/ListVolumes', {}).get('entries', [])
        return {e['volume']['volume_id']: int(e['volume']['capacity_bytes']) for e in entries}

    def stage(self, volume_id, capability=None):
        self.make_directory(self.staging(volume_id))
        self.call(
            'csi.v1.Node/NodeStageVolume',
            {
                'volume_id': volume_id,
                'staging_target_path': self.staging(volume_id),
                'volume_capability': capability or mounted(),
            },
        )

    def publish(self, volume_id, capability=None, readonly=False):
        """Where a pod would see it."""
        self.make_directory(f'{self.root}/pods')
        self.call(
            'csi.v1.Node/NodePublishVolume',
            {
                'volume_id': volume_id,
                'staging_target_path': self.staging(volume_id),
                'target_path': self.target(volume_id),
                'volume_capability': capability or mounted(),
                'readonly': readonly,
            },
        )
        return self.target(volume_id)

    def expand(self, volume_id, size_bytes):
        """The volume's new size."""
        return int(
            self.call(
                'csi.v1.Node/NodeExpandVolume',
                {
                    'volume_id': volume_id,
                    'volume_path': self.target(volume_id),
                    'staging_target_path': self.staging(volume_id),
                    'capacity_range': {'required_bytes': str(size_bytes)},
                },
            )['capacity_bytes']
        )

    def unpublish(self, volume_id):
        self.call(
            'csi.v1.Node/NodeUnpublishVolume',
            {'volume_id': volume_id, 'target_path': self.target(volume_id)},
        )

    def unstage(self, volume_id):
        self.call(
            'csi.v1.Node/NodeUnstageVolume',
            {'volume_id': volume_id, 'staging_target_path': self.staging(volume_id)},
        )

    def remove(self, volume_id):
        """All the way back."""
        self.unpublish(volume_id)
        self.unstage(volume_id)
        self.delete(volume_id)

    def staging(self, volume_id):
        return f'{self.root}/staging/{volume_id}'

    def target(self, volume_id):
        return f'{self.root}/pods/{volume_id}'


class PendingCall:
    """A call under way, made by `program`, which is csi-call."""

    def __init__(self, program, endpoint, method, request):
        self._process = subprocess.Popen(
            [program, endpoint, method, json.dumps(request)],
            stdout=subprocess.PIPE,
            text=True,
            env=dict(os.environ, GRPC_VERBOSITY='NONE', no_grpc_proxy='127.0.0.1'),
        )

    def give_up(self):
        self._process.kill()
        self._process.communicate(timeout=CALL_SECONDS)

    def answer(self):
        out, _ = self._process.communicate(timeout=CALL_SECONDS)
        return json.loads(out)
