# SPDX-License-Identifier: Apache-2.0
"""Builders of API objects with sane defaults; a test names only what it is about."""

DRIVER = 'pmem.csi.alibabacloud.com'
TYPE_LABEL = 'pmem.csi.alibabacloud.com/type'
TYPE_LABEL_OLD = 'pmem.csi.alibabacloud.com'
SELECTED_NODE = 'volume.kubernetes.io/selected-node'
PINNED_BY = 'pmem.csi.alibabacloud.com/pinned-by'
PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by'
HOSTNAME = 'kubernetes.io/hostname'
GI = 1 << 30


def node(name, labels=None, taints=(), cpu='64', memory='256Gi'):
    amounts = {'cpu': cpu, 'memory': memory, 'pods': '200'}
    return {
        'apiVersion': 'v1',
        'kind': 'Node',
        'metadata': {'name': name, 'labels': {HOSTNAME: name, **(labels or {})}},
        'spec': {'taints': list(taints)},
        'status': {
            'capacity': amounts,
            'allocatable': amounts,
            'conditions': [{'type': 'Ready', 'status': 'True', 'reason': 'KubeletReady'}],
        },
    }


def storage_class(name, parameters=None, immediate=False, provisioner=DRIVER):
    return {
        'apiVersion': 'storage.k8s.io/v1',
        'kind': 'StorageClass',
        'metadata': {'name': name},
        'provisioner': provisioner,
        'parameters': parameters or {},
        'reclaimPolicy': 'Delete',
        'allowVolumeExpansion': True,
        'volumeBindingMode': 'Immediate' if immediate else 'WaitForFirstConsumer',
    }


def claim_spec(size='10Gi', class_name='pmem-lvm'):
    return {
        'accessModes': ['ReadWriteOnce'],
        'storageClassName': class_name,
        'resources': {'requests': {'storage': size}},
    }


def claim(name, size='10Gi', class_name='pmem-lvm', pinned_to=None):
    metadata = {'name': name}
    if pinned_to:
        metadata['annotations'] = {SELECTED_NODE: pinned_to}
    return {
        'apiVersion': 'v1',
        'kind': 'PersistentVolumeClaim',
        'metadata': metadata,
        'spec': claim_spec(size, class_name),
    }


def pod_spec(claims=(), **spec):
    """`claims`: names; each becomes a volume mounted below /data."""
    volumes = [
        {'name': f'v{i}', 'persistentVolumeClaim': {'claimName': name}}
        for i, name in enumerate(claims)
    ]
    return {
        'terminationGracePeriodSeconds': 0,
        'volumes': volumes + spec.pop('volumes', []),
        'containers': [
            {
                'name': 'nginx',
                'image': 'nginx:1.7.9',
                'command': ['sh', '-c', 'sleep 10000'],
                'resources': {'requests': {'cpu': '10m', 'memory': '16Mi'}},
                'volumeMounts': [
                    {'name': v['name'], 'mountPath': f'/data/{v["name"]}'} for v in volumes
                ],
            }
        ],
        **spec,
    }


def pod(name, claims=(), labels=None, **spec):
    return {
        'apiVersion': 'v1',
        'kind': 'Pod',
        'metadata': {'name': name, 'labels': labels or {}},
        'spec': pod_spec(claims, **spec),
    }


def ephemeral_volume(name, size='10Gi', class_name='pmem-lvm'):
    return {
        'name': name,
        'ephemeral': {'volumeClaimTemplate': {'spec': claim_spec(size, class_name)}},
    }


def stateful_set(name, replicas, templates, **spec):
    """`templates`: {template name: (size, class name)}."""
    labels = {'app': name}
    mounts = [{'name': t, 'mountPath': f'/data/{t}'} for t in templates]
    return {
        'apiVersion': 'apps/v1',
        'kind': 'StatefulSet',
        'metadata': {'name': name},
        'spec': {
            'serviceName': name,
            'replicas': replicas,
            'selector': {'matchLabels': labels},
            'template': {
                'metadata': {'labels': labels},
                'spec': {
                    'terminationGracePeriodSeconds': 0,
                    'containers': [
                        {'name': 'main', 'image': 'nginx:1.7.9', 'volumeMounts': mounts}
                    ],
                },
            },
            'volumeClaimTemplates': [
                {'metadata': {'name': t}, 'spec': claim_spec(size, class_name)}
                for t, (size, class_name) in templates.items()
            ],
            **spec,
        },
    }


def persistent_volume(
    name, node_name, size='10Gi', class_name='pmem-lvm', claim_ref=None, annotations=None
):
    spec = {
        'capacity': {'storage': size},
        'accessModes': ['ReadWriteOnce'],
        'storageClassName': class_name,
        # What a provisioner made it removes; an administrator's own is kept.
        'persistentVolumeReclaimPolicy': 'Delete' if annotations else 'Retain',
        'csi': {'driver': DRIVER, 'volumeHandle': name},
        'nodeAffinity': {
            'required': {
                'nodeSelectorTerms': [
                    {
                        'matchExpressions': [
                            {'key': HOSTNAME, 'operator': 'In', 'values': [node_name]}
                        ]
                    }
                ]
            }
        },
    }
    if claim_ref:
        spec['claimRef'] = claim_ref
    return {
        'apiVersion': 'v1',
        'kind': 'PersistentVolume',
        'metadata': {'name': name, 'annotations': annotations or {}},
        'spec': spec,
    }


def quantity_bytes(text):
    """Bytes of the quantities that tests and the demo write."""
    for suffix, factor in (('Ti', 1 << 40), ('Gi', 1 << 30), ('Mi', 1 << 20), ('Ki', 1 << 10)):
        if text.endswith(suffix):
            return int(text.removesuffix(suffix)) * factor
    return int(text)
