# SPDX-License-Identifier: Apache-2.0
"""What the demo does and shows: the product page's examples without a pin, a full cluster, one too many."""

import sys
import time

import yaml

import builds
import tables

sys.path.insert(0, str(builds.ROOT / 'tests' / 'e2e'))
from harness import cluster, devices, objects, waiting  # noqa: E402

GI = devices.GI
PLACE_SECONDS = 60
KUBE_NAMESPACE = 'default'
NODES = {
    'node-lvm': devices.layout([devices.volume_group(40 * GI)]),
    'node-direct': devices.layout(regions=[devices.region(36 * GI)]),
    'node-both': devices.layout([devices.volume_group(30 * GI)], [devices.region(27 * GI)]),
}
LABELS = {'node-lvm': 'lvm', 'node-direct': 'direct', 'node-both': 'lvm'}
EXAMPLES = ('lvm', 'direct')
# What the examples leave: six claims of either kind fill every node to the last byte.
BURST = [
    (f'burst-{kind}-{i}', kind, size)
    for kind, size in (('lvm', '10Gi'), ('direct', '9Gi'))
    for i in range(1, 7)
]
ONE_TOO_MANY = ('one-too-many', 'lvm', '10Gi')


def free_of(pools):
    """{pool: bytes} of one node's holdings."""
    return {pool: free for pool, (_, free, _) in pools.items()}


class Story:
    """One telling. `say` prints a line of progress; result is what --json prints."""

    def __init__(self, directory, out):
        self.began = time.monotonic()
        self.out = out
        self.cluster = cluster.Cluster(directory, NODES, self.say, real_csi=True)
        self.result = {}
        self.wrong = []

    def say(self, text):
        seconds = tables.tint(f'[{time.monotonic() - self.began:5.1f} s]', 'dim', self.out)
        print(f'{seconds} {text}', file=self.out, flush=True)

    def show(self, title, lines):
        print(
            '\n' + tables.tint(title, 'head', self.out), *lines, sep='\n', file=self.out, flush=True
        )

    def tell(self):
        """True when everything went as promised."""
        self.cluster.start()
        self.add_nodes()
        before = self.holdings()
        self.place('the two examples, no node named anywhere', self.apply_examples, len(EXAMPLES))
        self.place(
            f'a burst of {len(BURST)} pods',
            lambda: self.apply_burst(BURST),
            len(EXAMPLES) + len(BURST),
        )
        self.say('one pod more than there is room for')
        self.apply_burst([ONE_TOO_MANY])
        condition = waiting.until(self.refusal, 'the pod too many is refused', PLACE_SECONDS)
        after = self.holdings()
        self.show_claims()
        self.show_holdings(before, after)
        self.show_refusal(condition)
        self.ask_rest(after)
        self.judge()
        return not self.wrong

    def add_nodes(self):
        for name, layout in NODES.items():
            self.cluster.add_node(name, layout, {objects.TYPE_LABEL: LABELS[name]})
        waiting.until(self.all_nodes_known, 'the extender has a report of every node')
        self.say(f'{len(NODES)} nodes: {", ".join(NODES)}')

    def all_nodes_known(self):
        for name in NODES:
            status, node = self.cluster.ask(f'/v1/nodes/{name}')
            if status != 200 or not node.get('pools'):
                return False
        return True

    def apply_examples(self):
        for kind in EXAMPLES:
            path = cluster.MANIFESTS / 'examples' / f'{kind}.yaml'
            for obj in yaml.safe_load_all(path.read_text()):
                self.cluster.api.create(obj, KUBE_NAMESPACE)

    def apply_burst(self, pods):
        for name, kind, size in pods:
            self.cluster.api.create(objects.claim(name, size, f'pmem-{kind}'), KUBE_NAMESPACE)
        for name, _, _ in pods:
            self.cluster.api.create(objects.pod(name, [name]), KUBE_NAMESPACE)

    def place(self, title, apply, total):
        self.say(title)
        apply()
        waiting.until(lambda: self.placed() >= total, f'{total} pods have a node', PLACE_SECONDS)
        self.say(f'{self.placed()} of {total} pods placed')

    def placed(self):
        return sum(
            1
            for pod in self.cluster.api.list('pods', KUBE_NAMESPACE)
            if pod['spec'].get('nodeName')
        )

    def refusal(self):
        pod = self.cluster.api.get('pods', ONE_TOO_MANY[0], KUBE_NAMESPACE)
        return next(
            (
                c
                for c in pod['status'].get('conditions', [])
                if c['type'] == 'PodScheduled' and c['status'] == 'False'
            ),
            None,
        )

    def holdings(self):
        """{node: {pool: (total, free, volumes)}} as the simulated devices themselves say."""
        found = {}
        for name, agent in self.cluster.agents.items():
            content = agent.devices.read()
            pools = [
                (f'lvm/{g["name"]}', g['size_bytes'], g['volumes'])
                for g in content['volume_groups']
            ]
            pools += [
                (f'direct/{r["name"]}', r['size_bytes'], r['namespaces'])
                for r in content['regions']
            ]
            found[name] = {
                pool: (total, total - sum(v['size_bytes'] for v in volumes), len(volumes))
                for pool, total, volumes in pools
            }
        return found

    def claims(self):
        """[(claim, size, class, node, pool, volume)] in the API's words; the pool from the device."""
        where = {
            volume: pool
            for agent in self.cluster.agents.values()
            for pool, volume, _ in agent.devices.volumes()
        }
        rows = []
        for claim in self.cluster.api.list('persistentvolumeclaims', KUBE_NAMESPACE):
            volume = claim['spec'].get('volumeName', '')
            rows.append(
                (
                    claim['metadata']['name'],
                    claim['spec']['resources']['requests']['storage'],
                    claim['spec']['storageClassName'],
                    claim['metadata'].get('annotations', {}).get(objects.SELECTED_NODE, '-'),
                    where.get(volume, '-'),
                    volume or '-',
                )
            )
        return rows

    def show_claims(self):
        headings = ['CLAIM', 'SIZE', 'CLASS', 'NODE', 'POOL', 'VOLUME']
        rows = self.claims()
        self.result['claims'] = [dict(zip(map(str.lower, headings), row)) for row in rows]
        self.show('Where each claim landed', tables.table(headings, rows, ('SIZE',), self.out))

    def show_holdings(self, before, after):
        headings = ['NODE', 'POOL', 'TOTAL', 'FREE BEFORE', 'FREE AFTER', 'VOLUMES']
        rows = [
            (
                node,
                pool,
                tables.size(total),
                tables.size(before[node][pool][1]),
                tables.size(free),
                volumes,
            )
            for node, pools in after.items()
            for pool, (total, free, volumes) in pools.items()
        ]
        self.result['nodes'] = [
            {
                'node': node,
                'pool': pool,
                'total_bytes': total,
                'free_before_bytes': before[node][pool][1],
                'free_after_bytes': free,
                'volumes': volumes,
            }
            for node, pools in after.items()
            for pool, (total, free, volumes) in pools.items()
        ]
        self.show('What each node holds', tables.table(headings, rows, headings[2:], self.out))

    def explanation_of(self, pod):
        """None while the extender's watch is behind kube-scheduler, which refuses within milliseconds."""
        status, explained = self.cluster.ask(f'/v1/explain/pods/{KUBE_NAMESPACE}/{pod}')
        return explained if status == 200 else None

    def show_refusal(self, condition):
        name = ONE_TOO_MANY[0]
        explained = waiting.until(lambda: self.explanation_of(name), 'the extender knows the pod')
        self.result['one_too_many'] = {
            'pod': name,
            'scheduler_says': condition['message'],
            'explain': explained,
        }
        headings = ['NODE', 'FITS', 'REASON', 'NEED', 'FREE', 'HELD', 'LARGEST']
        rows = [
            (
                n['node'],
                'yes' if n['fits'] else 'no',
                n.get('reason', ''),
                *(
                    tables.size(n.get(f'{what}_bytes', 0))
                    for what in ('need', 'free', 'held', 'largest')
                ),
            )
            for n in (explained or {}).get('nodes', [])
        ]
        self.show(
            f'Why {name} stays pending',
            [
                f'  kube-scheduler says: {condition["message"]}',
                f'  GET /v1/explain/pods/{KUBE_NAMESPACE}/{name} gives the numbers:',
                *tables.table(headings, rows, headings[3:], self.out),
            ],
        )

    def ask_rest(self, after):
        """The same questions to the extender: every answer must be what API objects and devices say."""
        lines = []
        waiting.until(lambda: self.reports_are(after), 'the last report has come in')
        for node, pools in after.items():
            self.compare(lines, f'GET /v1/nodes/{node}', self.free_said(node), free_of(pools))
        self.compare_claims(lines)
        status, summary = self.cluster.ask('/v1/summary')
        self.expect(status == 200, f'GET /v1/summary answers {status}')
        self.result['summary'] = summary
        self.show('The REST API, asked the same', lines)

    def free_said(self, node):
        """{pool: bytes} as the extender says."""
        _, known = self.cluster.ask(f'/v1/nodes/{node}')
        return {p['id']: p['available_bytes'] for p in (known or {}).get('pools', [])}

    def reports_are(self, after):
        """Whether the extender has heard of every volume."""
        return all(self.free_said(node) == free_of(pools) for node, pools in after.items())

    def compare_claims(self, lines):
        """Where the ledger has each claim, beside the annotation that the scheduler wrote."""
        _, answer = self.cluster.ask('/v1/claims')
        said = {c['name']: c.get('node', '-') for c in (answer or {}).get('claims', [])}
        real = {row[0]: row[3] for row in self.claims()}
        self.expect(said == real, f'GET /v1/claims says {said}, the API objects say {real}')
        mark = tables.tint('as the API objects say', 'good', self.out)
        lines.append(
            f'  GET /v1/claims: {len(said)} claims, {mark if said == real else "DIFFERENT"}'
        )

    def compare(self, lines, question, said, real):
        same = said == real
        self.expect(same, f'{question} says {said}, the devices say {real}')
        told = ', '.join(f'{pool} {tables.size(free)} free' for pool, free in said.items())
        lines.append(
            f'  {question}: {told}  '
            + tables.tint(
                'same as the device' if same else 'DIFFERS', 'good' if same else 'bad', self.out
            )
        )

    def expect(self, holds, otherwise):
        if not holds:
            self.wrong.append(otherwise)

    def judge(self):
        wanted = len(EXAMPLES) + len(BURST)
        over = self.cluster.audit()
        failed = self.cluster.failed_creations()
        self.expect(self.placed() == wanted, f'{self.placed()} of {wanted} placed')
        self.expect(not over, f'over-committed: {over}')
        self.expect(not failed, f'failed creations: {failed}')
        self.result['verdict'] = {
            'placed': self.placed(),
            'wanted': wanted,
            'over_committed': len(over),
            'failed_creations': len(failed),
            'pending': 1,
            'wrong': self.wrong,
        }
        verdict = (
            f'{self.placed()} of {wanted} placed, {len(over)} over-committed, {len(failed)} failed creations, '
            f'1 pending because nothing has room'
        )
        self.show(tables.tint(verdict, 'bad' if self.wrong else 'good', self.out), self.wrong)
