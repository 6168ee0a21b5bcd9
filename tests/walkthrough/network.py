# SPDX-License-Identifier: Apache-2.0
"""The control plane's way into the cluster, an HTTP proxy on the host; and the nodes' way to each other, a switch.

The host has no route to the addresses of nodes, pods and Services. kube-apiserver (by its egress selector), kube-scheduler
and Prometheus (by HTTP_PROXY and proxy_url) reach them through this proxy by their own addresses, as control planes
outside of their cluster's network do.
"""

import http.client
import http.server
import re
import select
import socket
import socketserver
import threading
import urllib.parse

ANSWER_SECONDS = 60
FRAME_BYTES_MAX = 1 << 17  # virtio-net may hand over 64 KiB at once.


class Network:
    """Knows which node leads to an address. `nodes` may change at any time."""

    def __init__(self, socket_path):
        """kube-apiserver speaks plain HTTP to a proxy by a socket only, the others by a port only."""
        self.nodes = []
        self.socket_path = socket_path
        handler = _handler(self)
        self._servers = (_PortServer(('127.0.0.1', 0), handler), _SocketServer(str(socket_path), handler))
        for server in self._servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f'http://127.0.0.1:{self._servers[0].server_address[1]}'

    def way(self, address, port):
        """The port of this host that leads there. OSError: no node does."""
        owner = re.fullmatch(r'10\.244\.(\d+)\.\d+', address)
        for node in self.nodes:
            of_node = node.number == int(owner[1]) if owner else address in (node.address, node.name)
            if node.runs and (of_node or address.startswith('10.0.0.')):
                return node.way(node.address if address == node.name else address, port)
        raise OSError(f'no node leads to {address}')

    def stop(self):
        for server in self._servers:
            server.shutdown()


class Switch:
    """Hands each frame of a node's link to all the others. A node is known from its first frame."""

    def __init__(self, path):
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._thread = threading.Thread(target=self._forward, daemon=True)
        self._thread.start()

    def _forward(self):
        known = set()
        while True:
            frame, sender = self._socket.recvfrom(FRAME_BYTES_MAX)
            if not frame:
                return
            known.add(sender)
            for other in known - {sender}:
                try:
                    self._socket.sendto(frame, socket.MSG_DONTWAIT, other)
                except OSError:
                    pass  # It is off, or as far behind as a frame may be lost for.

    def stop(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
            one.sendto(b'', str(self.path))
        self._thread.join()
        self._socket.close()


class _Quiet:
    daemon_threads = True
    request_queue_size = 32

    def handle_error(self, request, client_address):
        """Whoever asked has gone."""


class _PortServer(_Quiet, http.server.ThreadingHTTPServer):
    pass


class _SocketServer(_Quiet, socketserver.ThreadingUnixStreamServer):
    pass


def _handler(network):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'

        def do_CONNECT(self):
            host, _, port = self.path.rpartition(':')
            try:
                there = socket.create_connection(('127.0.0.1', network.way(host, int(port))), timeout=10)
            except OSError as error:
                self.send_error(502, str(error))
                return
            self.send_response(200)
            self.end_headers()
            _relay(self.connection, there)
            self.close_connection = True

        def do_GET(self):
            target = urllib.parse.urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
            try:
                way = network.way(target.hostname, target.port or 80)
                there = http.client.HTTPConnection('127.0.0.1', way, timeout=ANSWER_SECONDS)
                headers = {name: value for name, value in self.headers.items()
                           if not name.lower().startswith(('proxy-', 'connection', 'content-length'))}
                there.request(self.command, target._replace(scheme='', netloc='').geturl() or '/', body or None, headers)
                answer = there.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.send_error(502, str(error))
                return
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ('connection', 'transfer-encoding', 'content-length', 'date', 'server'):
                    self.send_header(name, value)
            self.send_header('Content-Length', str(len(text)))
            self.end_headers()
            self.wfile.write(text)
            there.close()

        do_POST = do_GET

        def log_message(self, *arguments):
            pass

    return Handler


def _relay(one, other):
    """Bytes both ways until either end closes."""
    peers = {one: other, other: one}
    other.settimeout(None)
    try:
        while True:
            for ready in select.select(list(peers), [], [])[0]:
                data = ready.recv(65536)
                if not data:
                    return
                peers[ready].sendall(data)
    except OSError:
        pass
    finally:
        other.close()
