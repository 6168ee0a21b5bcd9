# SPDX-License-Identifier: Apache-2.0
"""A whole cluster: control plane, agents over simulated devices, the extender, who makes the volumes, kubelets."""

import itertools
import json
import pathlib

import yaml

from . import control_plane, csi_nodes, devices, objects, processes, stand_ins, waiting

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARIES = ROOT / 'build' / 'controlplane' / 'bin'
PROGRAMS = ROOT / 'build' / 'release'
AGENT = PROGRAMS / 'capacity-agent' / 'pmem-capacity-agent'
EXTENDER = PROGRAMS / 'extender' / 'pmem-extender'
CSI_PROGRAMS = csi_nodes.Programs(
    driver=PROGRAMS / 'csi-driver' / 'pmem-csi-driver',
    provisioner=BINARIES / 'csi-provisioner',
    resizer=BINARIES / 'csi-resizer',
    csi_call=PROGRAMS / 'tests' / 'csi' / 'csi-call',
)
MANIFESTS = ROOT / 'manifests'
POLICIES = MANIFESTS / 'components' / 'admission-policy'
INSTALLED_KINDS = (
    'Namespace',
    'ServiceAccount',
    'ClusterRole',
    'ClusterRoleBinding',
    'Role',
    'RoleBinding',
    'StorageClass',
    'CSIDriver',
    'ValidatingAdmissionPolicy',
    'ValidatingAdmissionPolicyBinding',
)
LISTENING = r'listening on (\S+)'


class Agent:
    """The capacity-agent of one node. Keeps its port over a restart, as a node keeps its address."""

    def __init__(self, cluster, node_name):
        self.node_name = node_name
        self.devices = devices.SimulatedDevices(cluster.directory / 'devices' / f'{node_name}.json')
        self.address = '127.0.0.1:0'
        self._cluster = cluster
        self._process = None

    def start(self, wait=True):
        self._process = self._cluster.supervisor.start(
            f'agent-{self.node_name}',
            [
                AGENT,
                '--node-name',
                self.node_name,
                '--listen',
                self.address,
                '--devices',
                f'simulated:{self.devices.path}',
            ],
        )
        if wait:
            self.wait_ready()

    def wait_ready(self):
        self.address = self._process.wait_for_line(LISTENING)[1]

    def stop(self):
        self._process.stop()

    def kill(self):
        self._process.kill()

    @property
    def url(self):
        return f'http://{self.address}'


def install(api):
    """What ships: roles, policies, ServiceAccounts, StorageClasses. Not the workloads, which run as processes."""
    shipped = [*(MANIFESTS / 'base').glob('*.yaml'), *POLICIES.glob('*.yaml')]
    for path in sorted(shipped, key=lambda p: p.name != 'kube_namespace.yaml'):
        for obj in yaml.safe_load_all(path.read_text()):
            if obj['kind'] in INSTALLED_KINDS:
                api.create(obj)


class Cluster:
    """start() brings everything up, stop() leaves nothing behind. Not thread-safe.

    Agents run for all `node_names` from the start, over empty devices; a Node object exists once
    add_node() made it. With `real_csi` each of them has the real driver and the real
    external-provisioner, which is some 60 MiB a node; else one fake serves them all.
    """

    def __init__(self, directory, node_names, progress=lambda text: None, real_csi=False):
        self.directory = pathlib.Path(directory).resolve()
        (self.directory / 'devices').mkdir(parents=True, exist_ok=True)
        self.supervisor = processes.Supervisor(self.directory / 'logs')
        self.control_plane = control_plane.ControlPlane(
            self.directory / 'control-plane', BINARIES, self.supervisor
        )
        self.agents = {name: Agent(self, name) for name in node_names}
        # In turn, so that a name comes back as late as can be.
        self.unused_names = itertools.cycle(self.agents)
        self.extender_address = '127.0.0.1:0'
        self.extender = None
        self.extender_flags = ()
        self.fake_provisioner = None
        self.csi = {}
        self._real_csi = real_csi
        self.kubelets = None
        self._progress = progress

    @property
    def api(self):
        return self.control_plane.admin

    @property
    def extender_url(self):
        return f'http://{self.extender_address}'

    def start(self, scheduler_changes=None, extender_flags=()):
        for agent in self.agents.values():
            agent.start(wait=False)
        self.control_plane.start()
        self._progress('control plane is up')
        for agent in self.agents.values():
            agent.wait_ready()
        self._progress(f'{len(self.agents)} capacity-agents over simulated devices')
        self.install()
        self._start_csi()
        self.kubelets = stand_ins.Kubelets(self.api)
        self.kubelets.start()
        (self.directory / 'agents.json').write_text(
            json.dumps({n: a.url for n, a in self.agents.items()})
        )
        self.extender_flags = extender_flags
        self.start_extender()
        self._progress('extender is ready')
        self.control_plane.start_scheduler(self.extender_url, changes=scheduler_changes)

    def _start_csi(self):
        if not self._real_csi:
            node_devices = {name: agent.devices for name, agent in self.agents.items()}
            self.fake_provisioner = stand_ins.FakeProvisioner(self.api, node_devices)
            self.fake_provisioner.start()
            return
        self.csi = {name: csi_nodes.CsiNode(self, name, CSI_PROGRAMS) for name in self.agents}
        for node in self.csi.values():
            node.start()
        for node in self.csi.values():
            node.wait_ready()
        self._progress(f'{len(self.csi)} CSI drivers, an external-provisioner beside each')

    def failed_creations(self):
        """(what was to be made, node) of every creation that a driver refused for lack of room."""
        if self.fake_provisioner:
            return list(self.fake_provisioner.failed_creations)
        return [(volume, name) for name, node in self.csi.items() for volume in node.refused()]

    def install(self):
        install(self.api)

    def start_extender(self, wait=True):
        kubeconfig = self.control_plane.service_account_kubeconfig('pmem-system', 'pmem-extender')
        self.extender = self.supervisor.start(
            'extender',
            [
                EXTENDER,
                '--kubeconfig',
                kubeconfig,
                '--listen',
                self.extender_address,
                '--agents',
                f'static:{self.directory / "agents.json"}',
                '--leader-elect=false',
                *self.extender_flags,
            ],
        )
        if wait:
            self.wait_extender_ready()

    def wait_extender_ready(self, seconds=20):
        self.extender_address = self.extender.wait_for_line(LISTENING)[1]
        waiting.until(lambda: self.ask('/readyz')[0] == 200, 'the extender is ready', seconds)

    def ask(self, path, body=None):
        """(status, value) of the extender's REST."""
        method = 'GET' if body is None else 'POST'
        try:
            return control_plane.call_json(method, f'{self.extender_url}{path}', body)
        except OSError:
            return 0, None

    def add_node(self, name, layout, labels=None, **spec):
        self.agents[name].devices.write(layout)
        if labels is None:
            kind = 'lvm' if layout['volume_groups'] else 'direct'
            labels = {objects.TYPE_LABEL: kind}
        if name in self.csi:
            labels = {**labels, **self.csi[name].labels}
        self.api.create(objects.node(name, labels, **spec))

    def remove_node(self, name):
        self.api.delete('nodes', name)
        self.agents[name].devices.write(devices.layout())

    def audit(self):
        """What is over-committed or overlapping in any device file; the independent judge."""
        return [
            f'{name}: {line}'
            for name, agent in self.agents.items()
            for line in devices.audit(agent.devices.read())
        ]

    def stop(self):
        for stand_in in (self.fake_provisioner, self.kubelets):
            if stand_in:
                stand_in.stop()
        self.control_plane.stop()
