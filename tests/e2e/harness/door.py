# SPDX-License-Identifier: Apache-2.0
"""One keep-alive connection to a program's HTTP server, on which bytes are sent as they are."""

import http.client
import json
import re


class Answer:
    """Status, headers and body of one answer."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.text = response.read().decode()

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def problem(self):
        """The detail of a problem+json that says of itself what the answer's status says; else None."""
        if self.headers['Content-Type'] != 'application/problem+json':
            return None
        value = self.json
        assert value['status'] == self.status and value['title'] and value['type'] == 'about:blank'
        return value['detail']


class Door:
    """Not thread-safe. Connects once; again only when the server has said that it closes."""

    def __init__(self, address, seconds=60):
        host, _, port = address.rpartition(':')
        self._connection = http.client.HTTPConnection(host, int(port), timeout=seconds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()

    def send(self, method, path, body=None):
        """`body`: bytes, text, an iterable of bytes (sent in chunks), or a value that becomes JSON."""
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        headers = {'Content-Type': 'application/json'}
        self._connection.request(method, path, body, headers)
        return Answer(self._connection.getresponse())

    def send_announced(self, path, length, block):
        """A POST that says how long its body is and sends just so many bytes of `block` over and over.

        The server may answer before it has all.
        """
        self._connection.putrequest('POST', path)
        self._connection.putheader('Content-Length', str(length))
        self._connection.endheaders()
        for _ in range(length // len(block)):
            self._connection.send(block)
        self._connection.send(block[: length % len(block)])
        return Answer(self._connection.getresponse())

    def metric(self, name, **labels):
        """The value of a sample of /metrics; 0 when it has never been counted."""
        wanted = ','.join(f'{k}="{v}"' for k, v in sorted(labels.items()))
        sample = re.escape(f'{name}{{{wanted}}}' if wanted else name)
        found = re.search(rf'^{sample} (\S+)$', self.send('GET', '/metrics').text, re.M)
        return float(found[1]) if found else 0.0
