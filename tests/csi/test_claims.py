# SPDX-License-Identifier: Apache-2.0
"""A volume for a claim that the API server tells of, which is slow here."""

import http.server
import json
import threading

import pytest

from calls import creation
from harness import devices, waiting

GI = devices.GI
UID = '334cb6fa-fabd-4687-96dc-0d2b15564822'
VOLUME = f'disk-{UID}'
OF_CLAIM = {'pmemType': 'lvm', 'csi.storage.k8s.io/pvc/name': 'c', 'csi.storage.k8s.io/pvc/namespace': 'default'}
CLAIM = {
    'metadata': {
        'name': 'c',
        'namespace': 'default',
        'uid': UID,
        'annotations': {'volume.kubernetes.io/selected-node': 'node-1'},
    },
    'spec': {},
}
SECONDS_MAX = 30


class SlowApiServer(http.server.ThreadingHTTPServer):
    """Tells of one claim; who asks first waits until the test lets it go on."""

    def __init__(self):
        self.is_asked, self.may_answer = threading.Event(), threading.Event()
        super().__init__(('127.0.0.1', 0), self.Handler)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.is_asked.set()
            self.server.may_answer.wait(SECONDS_MAX)
            body = json.dumps(CLAIM).encode()
            self.send_response(200)
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass


@pytest.fixture
def api_server():
    with SlowApiServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_volume_is_made_though_its_caller_gave_up(driver, api_server):
    """A slow node would begin it anew with each call, for ever."""
    for name in ('token', 'ca.crt'):
        (driver.directory / name).write_text('')
    driver.start(
        devices.layout([devices.volume_group(20 * GI)], []),
        f'--api-server=http://127.0.0.1:{api_server.server_port}',
        f'--credentials={driver.directory}',
    )
    call = driver.spawn('csi.v1.Controller/CreateVolume', creation(VOLUME, GI, parameters=OF_CLAIM))
    assert api_server.is_asked.wait(SECONDS_MAX)
    call.give_up()
    api_server.may_answer.set()
    there = [('lvm/pmemvgregion0', VOLUME, GI)]
    waiting.until(driver.devices.volumes, 'the volume is there', SECONDS_MAX, accepts=lambda found: found == there)
    assert driver.create(VOLUME, GI, parameters=OF_CLAIM)['volume_id'] == VOLUME
