# SPDX-License-Identifier: Apache-2.0
"""etcd, kube-apiserver, kube-controller-manager and kube-scheduler on loopback, each on a free port."""

import http.client
import json
import pathlib
import secrets
import ssl
import subprocess

import yaml

from . import kube, processes, waiting

START_TRIES = 3
SCHEDULER_CONFIG = (
    pathlib.Path(__file__).resolve().parents[3]
    / 'manifests'
    / 'scheduler'
    / 'kube_scheduler_config.yaml'
)
CONTROLLERS = (
    'persistentvolume-binder-controller',
    'ephemeral-volume-controller',
    'statefulset-controller',
    'daemonset-controller',
    'replicaset-controller',
    'deployment-controller',
    'persistentvolumeclaim-protection-controller',
    'persistentvolume-protection-controller',
    'garbage-collector-controller',
    'serviceaccount-controller',
    'namespace-controller',
)
_PROGRAMS = ('etcd', 'kube-apiserver', 'kube-controller-manager')
# Without kubelets nodes have no Ready lease to keep, and pods no use for a mounted token.
ADMISSION_OFF = 'ServiceAccount,TaintNodesByCondition'


class ControlPlane:
    """Owned by one Supervisor. start() first, then extender-side programs, then start_scheduler()."""

    controllers = CONTROLLERS

    def __init__(self, directory, binaries, supervisor):
        self.directory = pathlib.Path(directory)
        self.binaries = pathlib.Path(binaries)
        self.supervisor = supervisor
        self.kubeconfig = self.directory / 'kubeconfig'
        self.admin = None
        self._etcd_url = ''
        self.admin_token = secrets.token_hex(16)

    @property
    def server(self):
        return self.admin.server

    def start(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        self._write_keys()
        retry(self._start_etcd)
        retry(self._start_api_server)
        self.write_kubeconfig(self.kubeconfig, self.admin_token)
        self.start_controller_manager()

    def stop(self):
        """Ends all of its supervisor. Nothing of an API server is kept, which would take six seconds to end as it is asked to."""
        self.supervisor.stop_all(killed=_PROGRAMS)

    def _write_keys(self):
        subprocess.run(
            [
                'openssl',
                'ecparam',
                '-name',
                'prime256v1',
                '-genkey',
                '-noout',
                '-out',
                self.directory / 'sa.key',
            ],
            check=True,
            capture_output=True,
        )
        (self.directory / 'tokens.csv').write_text(
            f'{self.admin_token},admin,admin,"system:masters"\n'
        )

    def _start_etcd(self):
        client, peer = (f'http://127.0.0.1:{processes.free_port()}' for _ in range(2))
        etcd = self.supervisor.start(
            'etcd',
            [
                self.binaries / 'etcd',
                '--data-dir',
                self.directory / 'etcd',
                '--unsafe-no-fsync',
                '--log-level',
                'warn',
                '--listen-client-urls',
                client,
                '--advertise-client-urls',
                client,
                '--listen-peer-urls',
                peer,
                '--initial-advertise-peer-urls',
                peer,
                '--initial-cluster',
                f'default={peer}',
            ],
        )
        self._etcd_url = client
        waiting.until(
            lambda: answers(etcd, client.removeprefix('http://'), '/readyz'), 'etcd is ready'
        )

    def restart_api_server(self):
        """Kills it and starts it again at the same address, with the same keys and the same etcd."""
        self.supervisor.running['kube-apiserver'].kill()
        self._start_api_server(int(self.server.rpartition(':')[2]))

    def _start_api_server(self, port=None):
        port = port or processes.free_port()
        certificates = self.directory / 'certs'
        server = self.supervisor.start('kube-apiserver', self.api_server_command(port))
        address = f'127.0.0.1:{port}'
        waiting.until(
            lambda: answers(server, address, '/readyz', insecure=True),
            'kube-apiserver is ready',
            60,
        )
        self.admin = kube.KubeClient(
            f'https://{address}', self.admin_token, str(certificates / 'apiserver.crt')
        )

    def api_server_command(self, port):
        return [
            self.binaries / 'kube-apiserver',
            f'--etcd-servers={self._etcd_url}',
            '--bind-address=127.0.0.1',
            f'--secure-port={port}',
            f'--cert-dir={self.directory / "certs"}',
            '--service-cluster-ip-range=10.0.0.0/24',
            '--service-account-issuer=https://kubernetes.default.svc',
            f'--service-account-key-file={self.directory / "sa.key"}',
            f'--service-account-signing-key-file={self.directory / "sa.key"}',
            f'--token-auth-file={self.directory / "tokens.csv"}',
            '--authorization-mode=RBAC',
            '--anonymous-auth=true',
            '--allow-privileged',
            f'--disable-admission-plugins={ADMISSION_OFF}',
        ]

    def restart_store(self):
        """etcd and the API server end without notice and come back at their addresses, data kept."""
        ended = [self.supervisor.running[name] for name in ('kube-apiserver', 'etcd')]
        for process in ended:
            process.kill()
        etcd = self.supervisor.start('etcd', ended[1].argv)
        address = self._etcd_url.removeprefix('http://')
        waiting.until(lambda: answers(etcd, address, '/readyz'), 'etcd is ready again')
        server = self.supervisor.start('kube-apiserver', ended[0].argv)
        address = self.server.removeprefix('https://')
        waiting.until(
            lambda: answers(server, address, '/readyz', insecure=True),
            'kube-apiserver is ready again',
            60,
        )

    def start_controller_manager(self):
        self.supervisor.start(
            'kube-controller-manager',
            [
                self.binaries / 'kube-controller-manager',
                f'--kubeconfig={self.kubeconfig}',
                '--leader-elect=false',
                '--secure-port=0',
                '--kube-api-qps=500',
                '--kube-api-burst=1000',
                f'--controllers={",".join(self.controllers)}',
            ],
        )

    def start_scheduler(
        self,
        extender_url=None,
        name='kube-scheduler',
        changes=None,
        profile='default-scheduler',
        election=None,
        settings=None,
    ):
        """A kube-scheduler with the configuration that ships; without extender when there is no URL.

        `changes` go over the extender's part. Not ignorable: a test must see it when we do not answer.
        `election`: it takes part in one, with this configuration. `settings` go over the rest.
        """
        config = {**yaml.safe_load(SCHEDULER_CONFIG.read_text()), **(settings or {})}
        config['clientConnection'] = {
            'kubeconfig': str(self.kubeconfig),
            'qps': 1000,
            'burst': 2000,
        }
        config['leaderElection'] = election or {'leaderElect': False}
        config['profiles'] = [{'schedulerName': profile}]
        shipped = config.pop('extenders')
        if extender_url:
            config['extenders'] = [
                {
                    **shipped[0],
                    'urlPrefix': f'{extender_url}/scheduler',
                    'ignorable': False,
                    **(changes or {}),
                }
            ]
        path = self.directory / f'{name}.yaml'
        path.write_text(yaml.safe_dump(config))
        return self.supervisor.start(
            name, [self.binaries / 'kube-scheduler', f'--config={path}', '--secure-port=0', '-v=3']
        )

    def write_kubeconfig(self, path, token):
        path.write_text(
            yaml.safe_dump(
                {
                    'apiVersion': 'v1',
                    'kind': 'Config',
                    'current-context': 'local',
                    'clusters': [
                        {
                            'name': 'local',
                            'cluster': {
                                'server': self.server,
                                'certificate-authority': str(
                                    self.directory / 'certs' / 'apiserver.crt'
                                ),
                            },
                        }
                    ],
                    'users': [{'name': 'user', 'user': {'token': token}}],
                    'contexts': [
                        {'name': 'local', 'context': {'cluster': 'local', 'user': 'user'}}
                    ],
                }
            )
        )

    def service_account_kubeconfig(self, kube_namespace, name, node=None):
        """A kubeconfig with a token that the API server issued for the ServiceAccount; as _token_for."""
        target = self.directory / f'{name}{f"-{node}" if node else ""}.kubeconfig'
        self.write_kubeconfig(target, self._token_for(kube_namespace, name, node))
        return target

    def service_account_directory(self, kube_namespace, name, node=None):
        """The files token and ca.crt, as in a pod of that ServiceAccount; as _token_for."""
        target = self.directory / f'{name}{f"-{node}" if node else ""}.credentials'
        target.mkdir(exist_ok=True)
        (target / 'token').write_text(self._token_for(kube_namespace, name, node))
        (target / 'ca.crt').write_text((self.directory / 'certs' / 'apiserver.crt').read_text())
        return target

    def service_account_client(self, kube_namespace, name, node=None):
        """A client with such a token."""
        token = self._token_for(kube_namespace, name, node)
        return kube.KubeClient(self.server, token, str(self.directory / 'certs' / 'apiserver.crt'))

    def _token_for(self, kube_namespace, name, node):
        """With `node` it is bound to a pod there, as the kubelet of that node asks for it: it names the node."""
        spec = {'expirationSeconds': 7200}
        if node:
            spec['boundObjectRef'] = self._pod_for(kube_namespace, name, node)
        request = {
            'apiVersion': 'authentication.k8s.io/v1',
            'kind': 'TokenRequest',
            'spec': spec,
        }
        path = kube.KubeClient.path('serviceaccounts', kube_namespace, name, 'token')
        return self.admin.request('POST', path, request)['status']['token']

    def _pod_for(self, kube_namespace, account, node):
        """A reference to a pod of that ServiceAccount on that node, whether there is a Node object or not."""
        name = f'token-of-{account}-{node}'
        if not self.admin.find('pods', name, kube_namespace):
            pod = {
                'apiVersion': 'v1',
                'kind': 'Pod',
                'metadata': {'name': name},
                'spec': {
                    'serviceAccountName': account,
                    'nodeName': node,
                    'containers': [{'name': 'token', 'image': 'none'}],
                },
            }
            self.admin.create(pod, kube_namespace)
        return {'apiVersion': 'v1', 'kind': 'Pod', 'name': name}


def retry(start):
    """Starts again when the chosen port was taken by somebody in between."""
    for attempt in range(START_TRIES):
        try:
            return start()
        except processes.ProcessFailed as error:
            if 'address already in use' not in str(error) or attempt == START_TRIES - 1:
                raise


def answers(process, address, path, insecure=False):
    """Whether GET path answers 200; ProcessFailed when the process has ended."""
    if process.exit_code() is not None:
        raise processes.ProcessFailed(
            f'{process.name} ended:\n{process.output()[-processes.LOG_TAIL_BYTES:]}'
        )
    tls = ssl._create_unverified_context() if insecure else None
    connection = (
        http.client.HTTPSConnection(address, timeout=2, context=tls)
        if insecure
        else http.client.HTTPConnection(address, timeout=2)
    )
    try:
        connection.request('GET', path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def get_json(url, seconds=10):
    """(status, value) of a plain HTTP GET; value is None when the body is no JSON."""
    return call_json('GET', url, None, seconds)


def call_json(method, url, body=None, seconds=10):
    host, _, path = url.removeprefix('http://').partition('/')
    connection = http.client.HTTPConnection(host, timeout=seconds)
    try:
        connection.request(
            method,
            f'/{path}',
            None if body is None else json.dumps(body),
            {'Content-Type': 'application/json'},
        )
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    try:
        return answer.status, json.loads(text)
    except ValueError:
        return answer.status, None
