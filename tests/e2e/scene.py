# SPDX-License-Identifier: Apache-2.0
"""What a test acts with: nodes with PMEM, claims and pods in a kube namespace of its own."""

import collections
import contextlib
import itertools

from harness import devices, objects, waiting

GI = devices.GI
SCHEDULE_SECONDS = 20


def lvm(gib):
    """A node's devices: one VolumeGroup."""
    return devices.layout([devices.volume_group(gib * GI)])


def direct(gib, **options):
    return devices.layout(regions=[devices.region(gib * GI, **options)])


def both(lvm_gib, direct_gib):
    return devices.layout([devices.volume_group(lvm_gib * GI)], [devices.region(direct_gib * GI)])


class Scene:
    def __init__(self, cluster, kube_namespace):
        self.cluster = cluster
        self.api = cluster.api
        self.kube_namespace = kube_namespace
        self.nodes = []
        self.classes = []
        self._preset_claims = set()  # Of pods that were put on a node by hand.
        self._wakes = itertools.count()
        self.api.create(
            {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': kube_namespace}}
        )
        self._failed_before = collections.Counter(cluster.failed_creations())

    # What there is.

    def add_node(self, layout, labels=None, known=True, **spec):
        """A fresh node with these devices; returns once the extender has its report."""
        name = next(self.cluster.unused_names)
        self.nodes.append(name)
        self.cluster.add_node(name, layout, labels, **spec)
        if known:
            self.wait_known(name)
        return name

    def add_nodes(self, *layouts):
        names = [self.add_node(layout, known=False) for layout in layouts]
        for name in names:
            self.wait_known(name)
        return names

    def wait_known(self, name):
        """Until the extender sees of the node what is in its device file."""
        self.wait_known_free(name, sum(self.free(name, kind) for kind in ('lvm', 'direct')))

    def wait_known_free(self, name, free):
        """Until the extender has a report of the node with so many bytes free."""
        waiting.until(
            lambda: self.known_free(name) == free, f'the extender knows {free} bytes free on {name}'
        )

    def wake(self):
        """A label of a node changes, for which kube-scheduler tries refused pods again."""
        label = {self.kube_namespace: str(next(self._wakes))}
        self.api.merge('nodes', self.nodes[0], {'metadata': {'labels': label}})

    def known_free(self, name):
        status, node = self.cluster.ask(f'/v1/nodes/{name}')
        return (
            sum(p['available_bytes'] for p in node['pools'])
            if status == 200 and node.get('pools')
            else None
        )

    def free(self, name, kind):
        return self.cluster.agents[name].devices.free_bytes(kind)

    def storage_class(self, suffix, parameters=None, **options):
        name = f'{self.kube_namespace}-{suffix}'
        self.api.create(objects.storage_class(name, parameters, **options))
        self.classes.append(name)
        return name

    @contextlib.contextmanager
    def class_without_parameters(self, name):
        """A class that everybody uses, for a while with nothing but its name; parameters cannot be changed."""
        shipped = self.api.get('storageclasses', name)
        del shipped['metadata']['resourceVersion'], shipped['metadata']['uid']
        try:
            self._remake({**shipped, 'parameters': {}})
            yield
        finally:
            self._remake(shipped)

    def _remake(self, storage_class):
        self.api.delete('storageclasses', storage_class['metadata']['name'])
        self.api.create(storage_class)

    def create(self, obj):
        return self.api.create(obj, self.kube_namespace)

    def claim(self, name, *arguments, **options):
        return self.create(objects.claim(name, *arguments, **options))

    def pod(self, name, *claims, **options):
        if 'nodeName' in options:
            self._preset_claims.update(claims)
        return self.create(objects.pod(name, claims, **options))

    def claim_and_pod(self, name, size='10Gi', class_name='pmem-lvm', **options):
        self.claim(name, size, class_name)
        return self.pod(name, name, **options)

    # What became of it.

    def get_claim(self, name):
        return self.api.get('persistentvolumeclaims', name, self.kube_namespace)

    def node_of(self, pod_name):
        return self.api.get('pods', pod_name, self.kube_namespace)['spec'].get('nodeName')

    def wait_scheduled(self, pod_name, seconds=SCHEDULE_SECONDS):
        """The node that the scheduler gave the pod."""
        return waiting.until(lambda: self.node_of(pod_name), f'pod {pod_name} has a node', seconds)

    def wait_all_scheduled(self, count, seconds=SCHEDULE_SECONDS):
        """{pod: node} once `count` pods have one."""

        def placed():
            found = {
                p['metadata']['name']: p['spec']['nodeName']
                for p in self.api.list('pods', self.kube_namespace)
                if p['spec'].get('nodeName')
            }
            return found if len(found) >= count else None

        return waiting.until(placed, f'{count} pods have a node', seconds)

    def wait_bound(self, claim_name, seconds=SCHEDULE_SECONDS):
        """The node on which the claim's volume really is, judged by the device files."""

        def bound():
            claim = self.get_claim(claim_name)
            return claim if claim.get('status', {}).get('phase') == 'Bound' else None

        claim = waiting.until(bound, f'claim {claim_name} is bound', seconds)
        volume = claim['spec']['volumeName']
        return next((n for n in self.cluster.agents if volume in self.volume_names(n)), None)

    def volume_names(self, node_name):
        return {name for _, name, _ in self.cluster.agents[node_name].devices.volumes()}

    def refusal(self, pod_name):
        """The message with which the scheduler last refused the pod, or None."""
        pod = self.api.get('pods', pod_name, self.kube_namespace)
        conditions = pod['status'].get('conditions', [])
        return next(
            (
                c['message']
                for c in conditions
                if c['type'] == 'PodScheduled' and c['status'] == 'False'
            ),
            None,
        )

    def wait_refused(self, pod_name, text='', seconds=SCHEDULE_SECONDS):
        def refused():
            message = self.refusal(pod_name)
            return message if message and text in message else None

        return waiting.until(refused, f'pod {pod_name} is refused with {text!r}', seconds)

    def explain(self, pod_name):
        return self.cluster.ask(f'/v1/explain/pods/{self.kube_namespace}/{pod_name}')

    def wait_explained(self, pod_name):
        """What explain says of a pod.

        The test may see the scheduler's refusal before the extender's own watch has the pod.
        """

        def explained():
            status, answer = self.explain(pod_name)
            return answer if status == 200 else None

        return waiting.until(explained, f'the extender knows pod {pod_name}')

    def events_of(self, claim_name, reporter='pmem-extender'):
        """Events of ours on the claim."""
        return [
            e
            for e in self.api.list('events', self.kube_namespace)
            if e['involvedObject']['name'] == claim_name
            and reporter
            in (e.get('reportingComponent') or e.get('source', {}).get('component', ''))
        ]

    def ledger_claims(self):
        """{claim name: (state, node)} as the extender's REST says."""
        status, answer = self.cluster.ask(f'/v1/claims?kube_namespace={self.kube_namespace}')
        assert status == 200, status
        return {c['name']: (c['state'], c.get('node')) for c in answer['claims']}

    def wrong_pins(self):
        """Claims that the placement controller pinned though the scheduler would have decided."""
        immediate = {
            c['metadata']['name']
            for c in self.api.list('storageclasses')
            if c['volumeBindingMode'] == 'Immediate'
        }
        return [
            c['metadata']['name']
            for c in self.api.list('persistentvolumeclaims', self.kube_namespace)
            if objects.PINNED_BY in c['metadata'].get('annotations', {})
            and c['spec'].get('storageClassName') not in immediate
            and c['metadata']['name'] not in self._preset_claims
        ]

    def failed_creations(self):
        """(what was to be made, node) of those since this scene began."""
        now = collections.Counter(self.cluster.failed_creations())
        return list((now - self._failed_before).elements())

    # The end.

    def delete_pod(self, name):
        self.api.delete('pods', name, self.kube_namespace, grace_seconds=0)

    def delete_claim(self, name):
        self.api.delete('persistentvolumeclaims', name, self.kube_namespace)

    def clear(self):
        """Takes away everything of the test and waits until it is gone."""
        for resource in ('deployments', 'statefulsets', 'pods', 'persistentvolumeclaims'):
            path = self.api.path(resource, self.kube_namespace)
            self.api.request(
                'DELETE', path, **({'gracePeriodSeconds': 0} if resource == 'pods' else {})
            )
        waiting.until(self._is_gone, f'the claims and volumes of {self.kube_namespace} are gone')
        for name in self.classes:
            self.api.delete('storageclasses', name)
        for name in self.nodes:
            self.cluster.remove_node(name)

    def _is_gone(self):
        provisioner = self.cluster.fake_provisioner
        if provisioner and not provisioner.is_idle():
            return False  # Its creation would fail on a node that is gone, in the middle of the next test.
        for pod in self.api.list('pods', self.kube_namespace):
            self.delete_pod(pod['metadata']['name'])
        ours = [
            v
            for v in self.api.list('persistentvolumes')
            if v['spec'].get('claimRef', {}).get('namespace') == self.kube_namespace
        ]
        return not ours and not self.api.list('persistentvolumeclaims', self.kube_namespace)
