# SPDX-License-Identifier: Apache-2.0
"""A small client of the Kubernetes API: one keep-alive connection per thread, token authentication."""

import http.client
import json
import ssl
import threading
import urllib.parse

REQUEST_SECONDS = 30
WATCH_SECONDS = 8

# resource -> (API prefix, lives in a kube_namespace)
RESOURCES = {
    'nodes': ('/api/v1', False),
    'pods': ('/api/v1', True),
    'persistentvolumes': ('/api/v1', False),
    'persistentvolumeclaims': ('/api/v1', True),
    'namespaces': ('/api/v1', False),
    'serviceaccounts': ('/api/v1', True),
    'services': ('/api/v1', True),
    'configmaps': ('/api/v1', True),
    'events': ('/api/v1', True),
    'storageclasses': ('/apis/storage.k8s.io/v1', False),
    'csidrivers': ('/apis/storage.k8s.io/v1', False),
    'csistoragecapacities': ('/apis/storage.k8s.io/v1', True),
    'deployments': ('/apis/apps/v1', True),
    'statefulsets': ('/apis/apps/v1', True),
    'daemonsets': ('/apis/apps/v1', True),
    'leases': ('/apis/coordination.k8s.io/v1', True),
    'poddisruptionbudgets': ('/apis/policy/v1', True),
    'priorityclasses': ('/apis/scheduling.k8s.io/v1', False),
    'clusterroles': ('/apis/rbac.authorization.k8s.io/v1', False),
    'clusterrolebindings': ('/apis/rbac.authorization.k8s.io/v1', False),
    'roles': ('/apis/rbac.authorization.k8s.io/v1', True),
    'rolebindings': ('/apis/rbac.authorization.k8s.io/v1', True),
    'validatingadmissionpolicies': ('/apis/admissionregistration.k8s.io/v1', False),
    'validatingadmissionpolicybindings': ('/apis/admissionregistration.k8s.io/v1', False),
    'selfsubjectaccessreviews': ('/apis/authorization.k8s.io/v1', False),
}
MERGE_PATCH = 'application/merge-patch+json'
STRATEGIC_PATCH = 'application/strategic-merge-patch+json'  # Merges conditions by their type.


class ApiError(RuntimeError):
    def __init__(self, status, message):
        super().__init__(f'{status}: {message}')
        self.status = status


def resource_of(kind):
    """'StorageClass' -> 'storageclasses'."""
    name = kind.lower()
    if name.endswith('y'):
        return name[:-1] + 'ies'
    return name + ('es' if name.endswith('s') else 's')


class KubeClient:
    """Thread-safe. Errors of the API are ApiError."""

    def __init__(self, server, token, ca_file):
        self.server = server
        self._host = urllib.parse.urlsplit(server).netloc
        self._token = token
        self._tls = ssl.create_default_context(cafile=ca_file)
        self._local = threading.local()

    def connect(self, seconds=REQUEST_SECONDS):
        return http.client.HTTPSConnection(self._host, context=self._tls, timeout=seconds)

    def headers(self, content_type='application/json'):
        return {
            'Authorization': f'Bearer {self._token}',
            'Content-Type': content_type,
            'Accept': 'application/json',
        }

    def request(self, method, path, body=None, content_type='application/json', **query):
        target = path + ('?' + urllib.parse.urlencode(query) if query else '')
        payload = None if body is None else json.dumps(body)
        for attempt in (0, 1):
            connection = getattr(self._local, 'connection', None) or self.connect()
            self._local.connection = connection
            try:
                connection.request(method, target, payload, self.headers(content_type))
                answer = connection.getresponse()
                text = answer.read().decode()
                break
            except (http.client.HTTPException, OSError):
                connection.close()
                self._local.connection = None
                if attempt:
                    raise
        if answer.status >= 400:
            raise ApiError(answer.status, _message(text))
        return json.loads(text) if text.startswith('{') else text

    @staticmethod
    def path(resource, kube_namespace=None, name=None, sub=None):
        prefix, namespaced = RESOURCES[resource]
        parts = [prefix]
        if namespaced and kube_namespace:
            parts += ['namespaces', kube_namespace]
        parts += [p for p in (resource, name, sub) if p]
        return '/'.join(parts)

    def get(self, resource, name, kube_namespace=None):
        return self.request('GET', self.path(resource, kube_namespace, name))

    def find(self, resource, name, kube_namespace=None):
        """Like get, but None when there is none."""
        try:
            return self.get(resource, name, kube_namespace)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def list(self, resource, kube_namespace=None, **query):
        return self.request('GET', self.path(resource, kube_namespace), **query)['items']

    def create(self, obj, kube_namespace=None):
        """Creates with strict field validation: an unknown or doubled field is an error."""
        resource = resource_of(obj['kind'])
        where = obj['metadata'].get('namespace', kube_namespace)
        return self.request('POST', self.path(resource, where), obj, fieldValidation='Strict')

    def merge(self, resource, name, patch, kube_namespace=None, sub=None, content_type=MERGE_PATCH):
        return self.request(
            'PATCH', self.path(resource, kube_namespace, name, sub), patch, content_type
        )

    def delete(self, resource, name, kube_namespace=None, grace_seconds=None):
        """Deletes if it is there."""
        query = {} if grace_seconds is None else {'gracePeriodSeconds': grace_seconds}
        try:
            self.request('DELETE', self.path(resource, kube_namespace, name), **query)
        except ApiError as error:
            if error.status != 404:
                raise

    def watch(self, resource, stop):
        """Yields (type, object) of all objects until `stop` is set: those that are there as ADDED first.

        Connects again by itself; after a gap everything comes as ADDED once more.
        """
        version = ''
        while not stop.is_set():
            try:
                if not version:
                    listed = self.request('GET', self.path(resource))
                    version = listed['metadata']['resourceVersion']
                    yield from (('ADDED', item) for item in listed['items'])
                for event, obj in self._stream(resource, version):
                    if event == 'ERROR':
                        version = ''
                        break
                    version = obj['metadata']['resourceVersion']
                    if event != 'BOOKMARK':
                        yield event, obj
            except (http.client.HTTPException, OSError, ApiError):
                version = ''
                stop.wait(0.2)

    def _stream(self, resource, version):
        """One watch request, short, so that a stop is noticed soon whatever happens."""
        query = urllib.parse.urlencode(
            {
                'watch': 'true',
                'resourceVersion': version,
                'allowWatchBookmarks': 'true',
                'timeoutSeconds': WATCH_SECONDS,
            }
        )
        connection = self.connect()
        try:
            connection.request('GET', f'{self.path(resource)}?{query}', headers=self.headers())
            answer = connection.getresponse()
            if answer.status != 200:
                raise ApiError(answer.status, _message(answer.read().decode()))
            for line in answer:
                event = json.loads(line)
                yield event['type'], event['object']
        finally:
            connection.close()


def _message(text):
    try:
        return json.loads(text).get('message', text)
    except ValueError:
        return text[:500]
