# SPDX-License-Identifier: Apache-2.0
"""A fake API server and fake agents, for scale only: fixed objects, one process, no TLS.

It answers what pmem-extender asks for: lists, and watches that are silent but for claims under load;
single claims; and the agents' long-polls under /agent/<number>. Pods that have a node are left out as
the field selector asks, so they cost nothing here. PUT /change/<number> gives that agent's node room.
PUT /load/on lets every agent's report change once in CHANGE_SECONDS and CLAIMS_PER_SECOND claims come,
and go after a second; PUT /load/off ends it.
"""

import asyncio
import dataclasses
import json
import urllib.parse

DRIVER = 'pmem.csi.alibabacloud.com'
GIB = 1 << 30
VOLUME_BYTES = 10 * GIB
CHANGE_SECONDS = 10
CLAIMS_PER_SECOND = 50
POD_UID = 'aaaaaaaa-0000-4000-8000-000000000001'


@dataclasses.dataclass(frozen=True)
class Size:
    nodes: int
    volumes: int  # PersistentVolumes, each with its claim, spread over the nodes.
    room: int = 0  # Volumes that each node could take besides; 0: two at every second generation of its report.
    claim_uids: tuple = ()  # By number, of a real API server, which gives its own; empty: uid().


def node_name(number):
    return f'node-{number:06}.pmem.example.org'


def agent_url(number, port):
    """At an address of its own, as in a cluster: for thousands of connections to one the kernel looks long for ports."""
    address = f'127.1.{number // 250}.{number % 250 + 1}'
    return f'http://{address}:{port}/agent/{number}'


def uid(number):
    return f'00000000-0000-4000-8000-{number:012}'


def _managed_fields(count):
    fields = {f'f:field-{i}': {'.': {}, 'f:value': {}, 'f:other': {}} for i in range(count)}
    return [{'manager': 'kubelet', 'operation': 'Update', 'apiVersion': 'v1', 'fieldsV1': fields}]


def _meta(name, number, **more):
    return {'name': name, 'uid': uid(number), 'resourceVersion': str(1000 + number), **more}


def node(number):
    name = node_name(number)
    labels = {f'example.org/label-{i}': f'value-{i}' for i in range(20)}
    images = [{'names': [f'registry.example.org/image-{i}@sha256:{i:064}'], 'sizeBytes': i} for i in range(50)]
    return {
        'kind': 'Node',
        'apiVersion': 'v1',
        'metadata': _meta(name, number, labels=labels, managedFields=_managed_fields(120)),
        'spec': {},
        'status': {'allocatable': {'cpu': '64', 'memory': '256Gi', 'pods': '110'}, 'images': images},
    }


def volume(number, nodes, claim_uid=None):
    claim_uid = claim_uid or uid(number)
    terms = [{'matchExpressions': [{'key': f'topology.{DRIVER}/node', 'operator': 'In', 'values': [node_name(number % nodes)]}]}]
    return {
        'kind': 'PersistentVolume',
        'apiVersion': 'v1',
        'metadata': _meta(f'pvc-{uid(number)}', 10**8 + number, managedFields=_managed_fields(10)),
        'spec': {
            'capacity': {'storage': str(VOLUME_BYTES)},
            'accessModes': ['ReadWriteOnce'],
            'storageClassName': 'pmem-lvm',
            'csi': {'driver': DRIVER, 'volumeHandle': f'disk-{claim_uid}'},
            'claimRef': {'namespace': 'default', 'name': f'claim-{number}', 'uid': claim_uid},
            'nodeAffinity': {'required': {'nodeSelectorTerms': terms}},
        },
        'status': {'phase': 'Bound'},
    }


def claim(number, nodes, is_bound=True):
    annotations = {'volume.kubernetes.io/selected-node': node_name(number % nodes)} if is_bound else {}
    meta = _meta(f'claim-{number}', number, annotations=annotations, managedFields=_managed_fields(10))
    spec = {
        'accessModes': ['ReadWriteOnce'],
        'resources': {'requests': {'storage': str(VOLUME_BYTES)}},
        'storageClassName': 'pmem-lvm',
        'volumeMode': 'Filesystem',
    }
    return {
        'kind': 'PersistentVolumeClaim',
        'apiVersion': 'v1',
        'metadata': {**meta, 'namespace': 'default'},
        'spec': {**spec, 'volumeName': f'pvc-{uid(number)}'} if is_bound else spec,
        'status': {'phase': 'Bound' if is_bound else 'Pending'},
    }


def storage_class():
    return {
        'kind': 'StorageClass',
        'apiVersion': 'storage.k8s.io/v1',
        'metadata': _meta('pmem-lvm', 10**9),
        'provisioner': DRIVER,
        'volumeBindingMode': 'WaitForFirstConsumer',
    }


def extender_args(size, names):
    """The body of a filter call for a pod with the one claim that is not bound."""
    volumes = [{'name': 'v', 'persistentVolumeClaim': {'claimName': f'claim-{size.volumes}'}}]
    meta = {'name': 'pod', 'namespace': 'default', 'uid': POD_UID}
    return json.dumps({'Pod': {'metadata': meta, 'spec': {'volumes': volumes}}, 'NodeNames': names}).encode()


def _chunk(value):
    line = json.dumps(value, separators=(',', ':')).encode() + b'\n'
    return b'%x\r\n%s\r\n' % (len(line), line)


def _list(kind, version, objects):
    listed = {'kind': f'{kind}List', 'apiVersion': version, 'metadata': {'resourceVersion': '1000000'}, 'items': list(objects)}
    return _response(json.dumps(listed, separators=(',', ':')).encode())


def _response(body, status='200 OK'):
    return f'HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n'.encode() + body


NOTHING_NEW = _response(b'', '304 Not Modified')


class FakeAgents:
    """All agents, and nothing else: for a real API server.

    Answers are kept and written by hand, with no task for a connection: thousands of agents, which elsewhere have a
    machine each, share what is left of this one.
    """

    def __init__(self, size):
        self.size = size
        self.generations = [1] * size.nodes
        self.waiting = {}  # Agent's number -> the connections whose poll is open.
        self.answers = {}  # Agent's number -> the answer that has its report.
        self.load = None
        self.step_seconds = CHANGE_SECONDS / size.nodes  # One agent after the other.

    def report(self, number):
        volumes = [
            {'name': f'disk-{self.size.claim_uids[i] if self.size.claim_uids else uid(i)}', 'bytes': VOLUME_BYTES}
            for i in range(number, self.size.volumes, self.size.nodes)
        ]
        used = len(volumes) * VOLUME_BYTES
        room = self.size.room * VOLUME_BYTES
        free = room or (0 if self.generations[number] % 2 else 2 * VOLUME_BYTES)
        total = used + (room or 2 * VOLUME_BYTES)
        pool = {
            'id': 'lvm/pmemvgregion0', 'kind': 'lvm', 'total_bytes': total,
            'allocatable_bytes': total, 'available_bytes': free, 'max_volume_bytes': free,
            'alignment_bytes': 4 << 20, 'numa_node': 0, 'state': 'ok', 'volumes': volumes,
        }  # fmt: skip
        report = {
            'schema': 1, 'node': node_name(number), 'boot_id': 'boot-1',
            'generation': self.generations[number], 'observed_at': '2026-01-02T03:04:05.678Z',
            'pools': [pool], 'errors': [],
        }  # fmt: skip
        return json.dumps(report).encode()

    async def serve(self, port_pipe):
        for number in range(self.size.nodes):
            self._report_answer(number)
        # All of 127.0.0.0/8, which is more than one address to bind to.
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Connection(self), '0.0.0.0', 0, backlog=8192)
        port_pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    def answer(self, connection, path, query):
        """Writes it now or later."""
        transport = connection.transport
        if path.startswith('/agent/'):
            self._poll(connection, int(path.split('/')[2]), query)
        elif path.startswith('/change/'):
            self._change(int(path.split('/')[2]))
            transport.write(_response(b'{}'))
        elif path.startswith('/load/'):
            if self.load:
                self.load.cancel()
            self.load = asyncio.create_task(self._make_load()) if path.endswith('/on') else None
            transport.write(_response(b'{}'))
        else:
            transport.write(_response(b'{"kind":"Status","code":404,"reason":"NotFound"}', '404 Not Found'))

    def end_poll(self, connection):
        """It is answered, or nobody is there any more to be answered."""
        if connection.poll:
            number, timer = connection.poll
            connection.poll = None
            timer.cancel()
            self.waiting[number].discard(connection)

    async def _make_load(self):
        begin, number = asyncio.get_running_loop().time(), 0
        while True:
            number += 1
            self._load_step(number)
            late = asyncio.get_running_loop().time() - begin - number * self.step_seconds
            await asyncio.sleep(max(0, -late))

    def _load_step(self, number):
        self._change(number % self.size.nodes)

    def _change(self, number):
        self.generations[number] += 1
        self.answers.pop(number, None)
        for connection in tuple(self.waiting.get(number, ())):
            self.end_poll(connection)
            connection.transport.write(self._report_answer(number))

    def _report_answer(self, number):
        if number not in self.answers:
            self.answers[number] = _response(self.report(number))
        return self.answers[number]

    def _poll(self, connection, number, query):
        if f'generation={self.generations[number]}' not in query.split('&'):
            return connection.transport.write(self._report_answer(number))
        seconds = float(urllib.parse.parse_qs(query)['wait'][0].removesuffix('s'))
        connection.poll = number, asyncio.get_running_loop().call_later(seconds, self._nothing_new, connection)
        self.waiting.setdefault(number, set()).add(connection)

    def _nothing_new(self, connection):
        self.end_poll(connection)
        connection.transport.write(NOTHING_NEW)


class _Connection(asyncio.Protocol):
    """One that is kept alive and has one request at a time, without a body that matters."""

    def __init__(self, server):
        self.server = server
        self.head = b''
        self.poll = None  # An open one's agent, and what answers it when its time is over.

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.head += data
        if b'\r\n\r\n' in self.head:
            target = self.head.split(b' ', 2)[1].decode()
            self.head = b''
            path, _, query = target.partition('?')
            self.server.answer(self, path, query)

    def connection_lost(self, _):
        self.server.end_poll(self)


class FakeCluster(FakeAgents):
    """The API server, and the agents too where they need no process of their own."""

    def __init__(self, size):
        super().__init__(size)
        self.open_claim = json.dumps(claim(size.volumes, size.nodes, is_bound=False)).encode()
        claims = [claim(i, size.nodes) for i in range(size.volumes)] + [json.loads(self.open_claim)]
        self.lists = {
            '/api/v1/nodes': _list('Node', 'v1', map(node, range(size.nodes))),
            '/api/v1/pods': _list('Pod', 'v1', []),
            '/api/v1/persistentvolumeclaims': _list('PersistentVolumeClaim', 'v1', claims),
            '/api/v1/persistentvolumes': _list(
                'PersistentVolume', 'v1', (volume(i, size.nodes) for i in range(size.volumes))
            ),
            '/apis/storage.k8s.io/v1/storageclasses': _list(
                'StorageClass', 'storage.k8s.io/v1', [storage_class()]
            ),
        }
        self.claim_watches = []
        self.step_seconds = 1 / CLAIMS_PER_SECOND

    def answer(self, connection, path, query):
        transport = connection.transport
        if path in self.lists and 'watch=true' not in query:
            transport.write(self.lists[path])
        elif path in self.lists:
            transport.write(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
            if path.endswith('/persistentvolumeclaims'):
                self.claim_watches.append(transport)
        elif path.endswith(f'/claim-{self.size.volumes}'):
            transport.write(_response(self.open_claim))
        else:
            super().answer(connection, path, query)

    def _load_step(self, number):
        for offset, what in ((0, 'ADDED'), (CLAIMS_PER_SECOND, 'DELETED')):
            if number > offset:
                made = claim(self.size.volumes + number - offset, self.size.nodes, is_bound=False)
                made['metadata']['resourceVersion'] = str(2_000_000 + 2 * number + (what == 'DELETED'))
                for watch in self.claim_watches:
                    watch.write(_chunk({'type': what, 'object': made}))


def run(size, port_pipe):
    asyncio.run(FakeCluster(size).serve(port_pipe))


def run_agents(size, port_pipe):
    asyncio.run(FakeAgents(size).serve(port_pipe))
