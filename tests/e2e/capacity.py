# SPDX-License-Identifier: Apache-2.0
"""What the CSIStorageCapacity objects say, as tests read them."""

from harness import objects, waiting

MANAGED = 'csi.storage.k8s.io/managed-by=pmem-extender'
SYSTEM = 'pmem-system'


def objects_of(scene, node):
    """{class: object} of the node."""
    return {
        o['storageClassName']: o
        for o in scene.api.list('csistoragecapacities', SYSTEM, labelSelector=MANAGED)
        if o['nodeTopology'].get('matchLabels') == {objects.HOSTNAME: node}
    }


def sizes_of(scene, node):
    """{class: (capacity, maximumVolumeSize)} in bytes, of the shipped classes."""
    return {
        name: tuple(objects.quantity_bytes(o.get(key, '-1')) for key in ('capacity', 'maximumVolumeSize'))
        for name, o in objects_of(scene, node).items()
        if name in ('pmem-lvm', 'pmem-direct')
    }


def wait_sizes(scene, node, sizes):
    waiting.until(
        lambda: sizes_of(scene, node) == sizes, f'the objects of {node} say {sizes}', seconds=10
    )


def joined_objects(scene):
    """{class: maximumVolumeSize in bytes} of the objects that stand for all nodes; None while a node has its own."""
    ours = scene.api.list('csistoragecapacities', SYSTEM, labelSelector=MANAGED)
    if any(o['nodeTopology'].get('matchLabels') for o in ours):
        return None
    return {o['storageClassName']: objects.quantity_bytes(o['maximumVolumeSize']) for o in ours}


def wait_joined(scene, lvm_bytes):
    expected = {'pmem-lvm': lvm_bytes, 'pmem-direct': 0}
    waiting.until(lambda: joined_objects(scene) == expected, f'the joined objects say {expected}')
