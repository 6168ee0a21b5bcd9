# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for what runs on real nodes: kubelets, and, for scale and faults, a fake of driver and provisioner.

The real driver and the real external-provisioner are csi_nodes.py. The fake serves clusters of 20 nodes,
and makes the trouble that the real ones cannot be asked for: slow, or missing on a node. It behaves
like external-provisioner with --node-deployment and --node-deployment-immediate-binding=false: it acts
on a claim only once selected-node is set, one claim of a node after the other, and takes the annotation
away when the node has no room.
"""

import concurrent.futures
import http.client
import threading
import time

from . import devices, kube, objects

WORKERS = 8
_PASSING = (kube.ApiError, OSError, http.client.HTTPException)


class FakeProvisioner:
    """No CSI at all: creates and deletes volumes in simulated devices itself. Counts are read by tests at any time."""

    def __init__(self, client, node_devices):
        """`node_devices`: {node name: SimulatedDevices}, may grow while running."""
        self.client = client
        self.node_devices = node_devices
        self.failed_creations = []  # (claim uid, node name), in order.
        self.created = []  # The same, of those that went well.
        self.removed = {}  # Volume name -> time.monotonic() when it was gone from the node.
        self.delay_seconds = 0.0  # How long one creation takes.
        self._stop = threading.Event()
        self._hurry = threading.Event()
        self._pool = concurrent.futures.ThreadPoolExecutor(WORKERS)
        self._node_locks = {}
        self._lock = threading.Lock()
        self._working = set()
        self._threads = []

    def start(self):
        for resource, work_for in (
            ('persistentvolumeclaims', self._work_for_claim),
            ('persistentvolumes', self._work_for_volume),
        ):
            thread = threading.Thread(target=self._follow, args=(resource, work_for), daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self):
        self._stop.set()
        self.end_delay()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def end_delay(self):
        """Nothing takes its time any more, what is under way neither."""
        self.delay_seconds = 0.0
        hurry, self._hurry = self._hurry, threading.Event()
        hurry.set()

    def is_idle(self):
        """Nothing is being made or taken away. What was asked for of a claim that is gone by now is still made."""
        with self._lock:
            return not self._working

    def _follow(self, resource, work_for):
        for event, obj in self.client.watch(resource, self._stop):
            if event != 'DELETED' and not self._stop.is_set():
                self._seen(resource, work_for, obj)

    def _work_for_claim(self, claim):
        """What to call for it; None: nothing."""
        notes = claim['metadata'].get('annotations', {})
        if (
            notes.get('volume.kubernetes.io/storage-provisioner') == objects.DRIVER
            and notes.get(objects.SELECTED_NODE)
            and not claim['spec'].get('volumeName')
            and 'deletionTimestamp' not in claim['metadata']
        ):
            return lambda: self._provision(claim, notes[objects.SELECTED_NODE])
        return None

    def _work_for_volume(self, volume):
        spec = volume['spec']
        if (
            volume.get('status', {}).get('phase') == 'Released'
            and spec.get('persistentVolumeReclaimPolicy') == 'Delete'
            and volume['metadata'].get('annotations', {}).get(objects.PROVISIONED_BY)
            == objects.DRIVER
        ):
            return lambda: self._remove(volume)
        return None

    def _seen(self, resource, work_for, obj):
        """Works once at a time per object; a second event for it meanwhile is covered by the first."""
        key, work = obj['metadata']['uid'], work_for(obj)
        with self._lock:
            if not work or key in self._working:
                return
            self._working.add(key)
        try:
            self._pool.submit(self._run, resource, work_for, obj)
        except RuntimeError:  # The pool has been shut down.
            self._working.discard(key)

    def _run(self, resource, work_for, obj):
        """After a failed call again, for the object as it is then, unless it is gone or nothing is to be done for it."""
        key = obj['metadata']['uid']
        try:
            while obj and obj['metadata']['uid'] == key and (work := work_for(obj)):
                try:
                    return work()
                except _PASSING:
                    if self._stop.wait(0.2):
                        return None
                    obj = self._as_it_is(resource, obj)
        finally:
            with self._lock:
                self._working.discard(key)

    def _as_it_is(self, resource, obj):
        metadata = obj['metadata']
        try:
            return self.client.find(resource, metadata['name'], metadata.get('namespace'))
        except _PASSING:
            return obj

    def _node_lock(self, node_name):
        with self._lock:
            return self._node_locks.setdefault(node_name, threading.Lock())

    def _provision(self, claim, node_name):
        if node_name not in self.node_devices:
            return  # No driver runs there: nobody acts on such a claim.
        with self._node_lock(node_name):
            self._hurry.wait(self.delay_seconds)
            if self._stop.is_set():
                return
            self._provision_now(claim, node_name)

    def _provision_now(self, claim, node_name):
        metadata, spec = claim['metadata'], claim['spec']
        uid, size = metadata['uid'], spec['resources']['requests']['storage']
        name = f'disk-{uid}'
        parameters = (
            self.client.get('storageclasses', spec['storageClassName']).get('parameters') or {}
        )
        kind = parameters.get('pmemType', spec['storageClassName'].removeprefix('pmem-'))
        try:
            self.node_devices[node_name].create(kind, name, objects.quantity_bytes(size))
        except devices.DoesNotFit:
            self.failed_creations.append((uid, node_name))
            self.client.merge(
                'persistentvolumeclaims',
                metadata['name'],
                {'metadata': {'annotations': {objects.SELECTED_NODE: None}}},
                metadata['namespace'],
            )
            return
        self.created.append((uid, node_name))
        reference = {
            'kind': 'PersistentVolumeClaim',
            'apiVersion': 'v1',
            'namespace': metadata['namespace'],
            'name': metadata['name'],
            'uid': uid,
        }
        try:
            self.client.create(
                objects.persistent_volume(
                    name,
                    node_name,
                    size,
                    spec['storageClassName'],
                    reference,
                    {objects.PROVISIONED_BY: objects.DRIVER},
                )
            )
        except kube.ApiError as error:
            if error.status != 409:  # It is there from an earlier try.
                raise

    def _remove(self, volume):
        terms = volume['spec']['nodeAffinity']['required']['nodeSelectorTerms']
        node_name = terms[0]['matchExpressions'][0]['values'][0]
        if node_name in self.node_devices:
            self.node_devices[node_name].delete(volume['spec']['csi']['volumeHandle'])
            self.removed[volume['spec']['csi']['volumeHandle']] = time.monotonic()
        self.client.delete('persistentvolumes', volume['metadata']['name'])


class Kubelets:
    """Says that pods with a node run, and lets deleted ones go. Starts no container."""

    def __init__(self, client):
        self.client = client
        self._stop = threading.Event()

    def start(self):
        threading.Thread(target=self._follow, daemon=True).start()

    def stop(self):
        self._stop.set()

    def _follow(self):
        for event, pod in self.client.watch('pods', self._stop):
            if event != 'DELETED' and pod['spec'].get('nodeName'):
                try:
                    self._look_after(pod)
                except _PASSING:
                    pass  # The next event of the pod brings it here again.

    def _look_after(self, pod):
        metadata = pod['metadata']
        if 'deletionTimestamp' in metadata:
            self.client.delete('pods', metadata['name'], metadata['namespace'], grace_seconds=0)
        elif pod['status'].get('phase') == 'Pending' and not pod['status'].get('containerStatuses'):
            status = {
                'phase': 'Running',
                'conditions': [
                    {'type': kind, 'status': 'True'}
                    for kind in ('PodScheduled', 'Initialized', 'ContainersReady', 'Ready')
                ],
            }
            self.client.merge(
                'pods',
                metadata['name'],
                {'status': status},
                metadata['namespace'],
                sub='status',
                content_type=kube.STRATEGIC_PATCH,
            )
