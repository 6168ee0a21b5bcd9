# SPDX-License-Identifier: Apache-2.0
"""pmem-csi-driver in the machine, over its real devices."""

import json
import shlex

from calls import Calls

SOCKET = "/run/csi.sock"
LOG = "/tmp/driver.log"
START_SECONDS_MAX = 60
CALL_SECONDS_MAX = 90


class Driver(Calls):
    root = "/var/csi"

    def __init__(self, guest):
        self._guest = guest

    def start(self, *flags, environment=""):
        """Returns once it listens: what an earlier driver left half-made is gone by then.

        Signatures are erased only, because an emulated machine takes long for every byte.
        """
        self._guest.run(f"mkdir -p {self.root}; : >{LOG}; {environment} setsid pmem-csi-driver --node-name guest-node"
                        f" --endpoint unix:{SOCKET} --devices real {' '.join(flags or ('--erase=signatures',))}"
                        f" >{LOG} 2>&1 &")
        self._guest.run(f"for i in $(seq {START_SECONDS_MAX * 20}); do grep -q 'listening on' {LOG} && exit 0;"
                        f" sleep 0.05; done; cat {LOG}; exit 1", seconds=START_SECONDS_MAX + 10)

    def kill(self):
        """As when it crashes. Programs that it runs go on, as they do then."""
        self._guest.run("killall -9 pmem-csi-driver; while pidof pmem-csi-driver; do sleep 0.02; done")

    def answer(self, method, request):
        return json.loads(self._guest.run(self.command(method, request), seconds=CALL_SECONDS_MAX))

    def codes_at_once(self, method, requests):
        """The codes of calls that run side by side, started by one script in the machine."""
        commands = [self.command(method, r) for r in requests]
        started = " ".join(f"({c}) >/tmp/at-once-{i} &" for i, c in enumerate(commands))
        shown = " ".join(f"cat /tmp/at-once-{i}; echo; echo END;" for i in range(len(commands)))
        output = self._guest.run(f"{started} wait; {shown} rm /tmp/at-once-*", seconds=CALL_SECONDS_MAX)
        return [json.loads(text)["code"] for text in output.split("\nEND")[:-1]]

    def command(self, method, request):
        """The shell's words for a call."""
        return f"csi-call unix:{SOCKET} {method} {shlex.quote(json.dumps(request))}"

    def make_directory(self, path):
        self._guest.run(f"mkdir -p {path}")

    def seconds(self, method):
        """How long each call of a method took that changed something, by the driver's own log."""
        lines = [json.loads(line) for line in self._guest.run(f"cat {LOG}").splitlines() if line[0] == "{"]
        return [line["seconds"] for line in lines
                if line.get("method") == method and line["message"] == "done"]
