# SPDX-License-Identifier: Apache-2.0
"""pmem-csi-driver in the machine, over its real devices."""

import json
import os

from calls import Calls, PendingCall

SOCKET = '/run/csi.sock'
RELAY_PORT = 9101  # Leads to the socket, so that this host can make the calls.
LOG = '/tmp/driver.log'
START_SECONDS_MAX = 60


class Driver(Calls):
    root = '/var/csi'

    def __init__(self, guest):
        self._guest = guest

    def start(self, *flags, environment=''):
        """Returns once it listens and what an earlier driver left half-made is gone.

        Signatures are erased only, because an emulated machine takes long for every byte.
        """
        self._guest.run(f'mkdir -p {self.root}; : >{LOG}; {environment} setsid pmem-csi-driver --node-name guest-node'
                        f" --endpoint unix:{SOCKET} --devices real {' '.join(flags or ('--erase=signatures',))}"
                        f' >{LOG} 2>&1 & pidof unix-relay >/dev/null || setsid unix-relay {RELAY_PORT} {SOCKET} &'
                        f" for i in $(seq {START_SECONDS_MAX * 10}); do sleep 0.1; grep -q 'listening on' {LOG} &&"
                        f" grep -q 'looked for half-made volumes' {LOG} && exit 0;"
                        f' done; cat {LOG}; exit 1', seconds=START_SECONDS_MAX + 10)

    def kill(self):
        """As when it crashes. Programs that it runs go on, as they do then."""
        self._guest.run('killall -9 pmem-csi-driver; while pidof pmem-csi-driver; do sleep 0.02; done')

    def answer(self, method, request):
        return self.spawn(method, request).answer()

    def spawn(self, method, request):
        """The same call, under way."""
        endpoint = f'ipv4:127.0.0.1:{self._guest.ports[RELAY_PORT]}'
        return PendingCall(os.environ['CSI_CALL'], endpoint, method, request)

    def codes_at_once(self, method, requests):
        """The codes of calls that run side by side."""
        pending = [self.spawn(method, request) for request in requests]
        return [one.answer()['code'] for one in pending]

    def make_directory(self, path):
        self._guest.run(f'mkdir -p {path}')

    def seconds(self, method):
        """How long each call of a method took that changed something, by the driver's own log."""
        lines = [json.loads(line) for line in self._guest.run(f'cat {LOG}').splitlines() if line[0] == '{']
        return [line['seconds'] for line in lines
                if line.get('method') == method and line['message'] == 'done']
