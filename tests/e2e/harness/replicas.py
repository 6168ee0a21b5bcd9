# SPDX-License-Identifier: Apache-2.0
"""Several replicas of the extender, one of them elected, behind a stand-in for their Service.

Real: the election, the label on the leader's pod, the roles. Stood in for: the pods (objects beside
processes), and what routes a Service (EndpointSlice controller and kube-proxy): a TCP front that
forwards each new connection to a pod that the Service's selector chooses, and like kube-proxy never
touches a connection that is open.
"""

import itertools
import random
import signal
import socket
import threading

import yaml

from . import cluster, control_plane, waiting

BLOCK_BYTES = 65536
SYSTEM = 'pmem-system'


def selector():
    """The labels by which the shipped Service selects."""
    objects = yaml.safe_load_all((cluster.MANIFESTS / 'base' / 'extender.yaml').read_text())
    return next(o for o in objects if o['kind'] == 'Service')['spec']['selector']


class TcpProxy:
    """Forwards connections to 127.0.0.1:PORT to the "host:port" that target() gives; None: refused."""

    def __init__(self, target):
        self._target = target
        self._listener = socket.create_server(('127.0.0.1', 0), backlog=128)
        self.address = f'127.0.0.1:{self._listener.getsockname()[1]}'
        self._passes = threading.Event()
        self._passes.set()
        self._open = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        """From now on nothing passes, and nobody is told: like a pulled cable."""
        self._passes.clear()

    def mend(self):
        """What is open ends; new connections pass."""
        self._close_all()
        self._passes.set()

    def stop(self):
        self._listener.close()
        self._passes.set()
        self._close_all()

    def _close_all(self):
        with self._lock:
            sockets, self._open = self._open, set()
        for one in sockets:
            _end(one)

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        self._passes.wait()
        target = self._target()
        try:
            host, port = target.rsplit(':', 1)
            server = socket.create_connection((host, int(port)), timeout=5)
            server.settimeout(None)
        except (AttributeError, OSError):
            return _end(client)
        with self._lock:
            self._open |= {client, server}
        back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
        back.start()
        self._pump(client, server)

    def _pump(self, source, sink):
        try:
            while block := source.recv(BLOCK_BYTES):
                self._passes.wait()
                sink.sendall(block)
        except OSError:
            pass
        for one in (source, sink):
            with self._lock:
                self._open.discard(one)
            _end(one)


def _end(one):
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    one.close()


class ServiceFront:
    """The Service: its address, and the pods that its selector chooses at the moment."""

    def __init__(self, client, addresses):
        """`addresses`: {pod name: "host:port"}, may change."""
        self._client = client
        self._addresses = addresses
        self._selector = selector()
        self._stop = threading.Event()
        self.chosen = set()
        self._proxy = TcpProxy(self._pick)
        self.address = self._proxy.address
        threading.Thread(target=self._follow, daemon=True).start()

    def stop(self):
        self._stop.set()
        self._proxy.stop()

    def _pick(self):
        known = [self._addresses[name] for name in self.chosen if name in self._addresses]
        return random.choice(known) if known else None

    def _follow(self):
        for event, pod in self._client.watch('pods', self._stop):
            metadata = pod['metadata']
            if metadata['namespace'] != SYSTEM:
                continue
            labels = metadata.get('labels', {})
            is_chosen = event != 'DELETED' and self._selector.items() <= labels.items()
            self.chosen = (self.chosen | {metadata['name']} if is_chosen
                           else self.chosen - {metadata['name']})


class Replica:
    """One pod of the extender: an object in the API, a process, its own way to the API server."""

    def __init__(self, owner, name):
        self.name = name
        self._owner = owner
        server = owner.control_plane.server.removeprefix('https://')
        self.link = TcpProxy(lambda: server)
        self.process = None
        self.address = None
        owner.api.create(_pod(name))

    def start(self):
        path = self._owner.directory / f'{self.name}.kubeconfig'
        config = yaml.safe_load(self._owner.kubeconfig.read_text())
        config['clusters'][0]['cluster']['server'] = f'https://{self.link.address}'
        path.write_text(yaml.safe_dump(config))
        self.process = self._owner.supervisor.start(self.name, [
            cluster.EXTENDER, '--kubeconfig', path, '--listen', '127.0.0.1:0',
            '--agents', f'static:{self._owner.directory / "agents.json"}',
            '--leader-elect=true', '--pod-name', self.name, '--identity', self.name,
            *self._owner.extender_flags])
        self.address = self.process.wait_for_line(cluster.LISTENING)[1]
        self._owner.addresses[self.name] = self.address

    def ask(self, path, body=None):
        """(status, value) of this very replica; (0, None) when it does not answer."""
        method = 'GET' if body is None else 'POST'
        try:
            return control_plane.call_json(method, f'http://{self.address}{path}', body, seconds=2)
        except OSError:
            return 0, None

    def leads(self):
        status, summary = self.ask('/v1/summary')
        return status == 200 and summary['ready']

    def end(self):
        """Its process, if it is there, and its pod."""
        self._owner.addresses.pop(self.name, None)
        self.process.stop()
        self.link.stop()
        self._owner.api.delete('pods', self.name, SYSTEM, grace_seconds=0)


def _pod(name):
    return {'apiVersion': 'v1', 'kind': 'Pod',
            'metadata': {'name': name, 'namespace': SYSTEM,
                         'labels': {'app.kubernetes.io/name': 'pmem-extender'}},
            'spec': {'schedulerName': 'nobody',
                     'containers': [{'name': 'extender', 'image': 'pmem-extender'}]}}


class ReplicatedCluster(cluster.Cluster):
    """A cluster whose extender is `count` replicas; kube-scheduler asks their Service."""

    def __init__(self, directory, node_names, count=2):
        super().__init__(directory, node_names)
        self.count = count
        self.addresses = {}
        self.replicas = []
        self.front = None
        self.kubeconfig = None
        self._numbers = itertools.count(1)

    def start_extender(self, wait=True):
        self.kubeconfig = self.control_plane.service_account_kubeconfig(SYSTEM, 'pmem-extender')
        self.front = ServiceFront(self.api, self.addresses)
        self.extender_address = self.front.address
        for _ in range(self.count):
            self.add_replica()
        if wait:
            self.wait_leader()

    def add_replica(self):
        replica = Replica(self, f'extender-{next(self._numbers)}')
        replica.start()
        self.replicas.append(replica)
        return replica

    def remove_replica(self, replica):
        self.replicas.remove(replica)
        replica.end()

    def leader(self):
        """The one that leads, or None; two are an error."""
        leading = [r for r in self.replicas if r.leads()]
        assert len(leading) <= 1, [r.name for r in leading]
        return leading[0] if leading else None

    def wait_leader(self, other_than=None, seconds=40):
        """The leader, once the Service leads to it."""

        def reached():
            found = self.leader()
            is_other = found and found is not other_than
            return found if is_other and self.front.chosen == {found.name} else None

        return waiting.until(reached, 'the Service leads to a leader', seconds)

    def heal(self):
        """As at the start: all replicas run, are connected and in step."""
        for replica in list(self.replicas):
            if replica.process.exit_code() is not None:
                self.remove_replica(replica)
                continue
            replica.process.signal(signal.SIGCONT)
            replica.link.mend()
        while len(self.replicas) < self.count:
            self.add_replica()
        for replica in self.replicas:
            waiting.until(lambda: replica.ask('/readyz')[0] == 200, f'{replica.name} is ready', 40)
        return self.wait_leader()

    def stop(self):
        if self.front:
            self.front.stop()
        super().stop()
