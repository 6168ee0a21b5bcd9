# SPDX-License-Identifier: Apache-2.0
"""The control plane of the walkthrough: the end-to-end tests' one, with all that real kubelets and pods want of it.

The authorization modes are Node and RBAC; admission is as by default, with NodeRestriction; every controller of
kube-controller-manager runs, so that pods have the ServiceAccount tokens and the CA that they would have anywhere.
"""

import secrets
import subprocess

import paths
import yaml
from harness import control_plane

# The host as a node sees it.
HOST = '10.0.2.2'
USERS = {
    'controller-manager': ('system:kube-controller-manager', ''),
    'scheduler': ('system:kube-scheduler', ''),
    'kube-proxy': ('system:kube-proxy', ''),
}
API_SERVER_FLAGS = (
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    f'--advertise-address={HOST}',
    '--kubelet-preferred-address-types=InternalIP',
)
REPLACED = ('--authorization-mode', '--disable-admission-plugins')


class Plane(control_plane.ControlPlane):
    def __init__(self, directory, supervisor, network, node_names):
        super().__init__(directory, paths.BINARIES, supervisor)
        self._network = network
        users = {**USERS, **{n: (f'system:node:{n}', 'system:nodes') for n in node_names}}
        self._users = {name: (secrets.token_hex(16), *user) for name, user in users.items()}

    @property
    def certificate(self):
        return (self.directory / 'certs' / 'apiserver.crt').read_text()

    @property
    def client_ca(self):
        return (self.directory / 'client-ca.crt').read_text()

    def _write_keys(self):
        super()._write_keys()
        with (self.directory / 'tokens.csv').open('a') as tokens:
            for token, user, group in self._users.values():
                tokens.write(f'{token},{user},{user},"{group}"\n')
        self._write_kubelet_client()
        (self.directory / 'egress.yaml').write_text(yaml.safe_dump({
            'apiVersion': 'apiserver.k8s.io/v1beta1',
            'kind': 'EgressSelectorConfiguration',
            'egressSelections': [{'name': 'cluster', 'connection': {
                'proxyProtocol': 'HTTPConnect', 'transport': {'uds': {'udsName': str(self._network.socket_path)}}}}],
        }))

    def _write_kubelet_client(self):
        """The certificate by which kubelets know the API server."""
        key = ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2')
        for arguments in (
            ('req', '-x509', *key, '-keyout', 'client-ca.key', '-out', 'client-ca.crt', '-subj', '/CN=kubelet-client-ca'),
            ('req', *key[:-2], '-keyout', 'kubelet-client.key', '-out', 'kubelet-client.csr',
             '-subj', '/O=system:masters/CN=kube-apiserver-kubelet-client'),
            ('x509', '-req', '-in', 'kubelet-client.csr', '-CA', 'client-ca.crt', '-CAkey', 'client-ca.key',
             '-CAcreateserial', '-days', '2', '-out', 'kubelet-client.crt'),
        ):
            subprocess.run(['openssl', *arguments], cwd=self.directory, check=True, capture_output=True)

    def api_server_command(self, port):
        kept = [word for word in super().api_server_command(port) if not str(word).startswith(REPLACED)]
        return [
            *kept,
            *API_SERVER_FLAGS,
            f'--kubelet-client-certificate={self.directory / "kubelet-client.crt"}',
            f'--kubelet-client-key={self.directory / "kubelet-client.key"}',
            f'--egress-selector-config-file={self.directory / "egress.yaml"}',
        ]

    def kubeconfig_of(self, user):
        """For one of our users on this host."""
        path = self.directory / f'{user}.kubeconfig'
        self.write_kubeconfig(path, self._users[user][0])
        return path

    def node_kubeconfig(self, user):
        """The text of a kubeconfig for one of our users on a node."""
        text = yaml.safe_load(self.kubeconfig_of(user).read_text())
        text['clusters'][0]['cluster'] = {
            'server': self.server.replace('127.0.0.1', HOST),
            'certificate-authority': '/node/ca.crt',
        }
        return yaml.safe_dump(text)

    def start_controller_manager(self):
        self.supervisor.start('kube-controller-manager', [
            self.binaries / 'kube-controller-manager',
            f'--kubeconfig={self.kubeconfig_of("controller-manager")}',
            '--leader-elect=false',
            '--secure-port=0',
            '--use-service-account-credentials',
            f'--service-account-private-key-file={self.directory / "sa.key"}',
            f'--root-ca-file={self.directory / "certs" / "apiserver.crt"}',
        ])

    def start_shipped_scheduler(self, service_address):
        """As manifests/scheduler has it; only the kubeconfig and the Service's address are this cluster's."""
        config = yaml.safe_load(control_plane.SCHEDULER_CONFIG.read_text())
        config['clientConnection']['kubeconfig'] = str(self.kubeconfig_of('scheduler'))
        config['leaderElection'] = {'leaderElect': False}
        config['extenders'][0]['urlPrefix'] = f'http://{service_address}:9120/scheduler'
        path = self.directory / 'scheduler.yaml'
        path.write_text(yaml.safe_dump(config))
        self.supervisor.start(
            'kube-scheduler',
            [self.binaries / 'kube-scheduler', f'--config={path}', '--secure-port=0', '-v=3'],
            env={'HTTP_PROXY': self._network.url, 'NO_PROXY': '127.0.0.1'},
        )
