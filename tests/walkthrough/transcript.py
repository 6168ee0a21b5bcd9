# SPDX-License-Identifier: Apache-2.0
"""What a person would type and see: commands are run, and written down with what they printed."""

import contextlib
import re
import textwrap
import time

import paths
from harness import waiting

HEAD = """# Walkthrough

Written by `./dev walkthrough --write-docs` from a run on emulated nodes: every command below was typed and every line
below was printed, less the path of the repository. `tests/walkthrough` checks what it says at each step.

| as in your cluster | not as in your cluster |
|---|---|
| kubelet, kube-proxy (nftables), containerd, crun, CNI; LVM and NVDIMM namespaces of a real kernel | nodes are QEMU machines in software emulation; NVDIMMs are files |
| our images, `manifests/overlays/release`, the chart's workloads after it, and the scheduler's configuration as they ship | images are on the nodes already: there is no registry, so the examples' nginx is replaced by busybox |
| ServiceAccount tokens and roles of the pods; Node and RBAC authorization, default admission, NodeRestriction | the cluster's own components have static tokens |
| nodes, pods and Services have addresses of their own; pods reach the API server by its Service | the control plane is outside of that network and reaches it through a proxy; there is no DNS |
| every other setting of the kubelet that matters here | it looks at each pod every 10 s instead of every minute, so that growth is seen sooner; to spare emulated work it evicts nothing, counts local storage of nobody and puts no cgroup of a pod around those of its containers |

[Why so](adr/2026-11-24-walkthrough-on-emulated-nodes.md). Times are no measure of anything: emulation is slow.
"""


class Transcript:
    def __init__(self, cluster):
        self._cluster = cluster
        self._parts = [HEAD]
        self.took = []  # (seconds, command) of all, in their order.

    @contextlib.contextmanager
    def _timed(self, command):
        begin = time.monotonic()
        try:
            yield
        finally:
            self.took.append((time.monotonic() - begin, command))

    def chapter(self, title, text=''):
        self._parts.append(f'\n## {title}\n')
        self.say(text)

    def say(self, text):
        if text:
            self._parts.append('\n' + textwrap.fill(' '.join(text.split()), 110) + '\n')

    def shell(self, command, check=True, seconds=120):
        """Runs it and writes it down."""
        with self._timed(command):
            printed = self._cluster.shell(command, check, seconds)
        self._show(command, printed)
        return printed

    def quiet(self, command, seconds=120):
        """Runs it; not worth a line on the page."""
        return self._cluster.shell(command, True, seconds)

    def until(self, command, pattern, seconds=120, poll=1):
        """Runs it until its output matches; written down as it was then. A look costs the nodes something, too."""
        def look():
            printed = self._cluster.shell(command, check=False)
            return printed if re.search(pattern, printed) else None

        try:
            with self._timed(f'{command}: {pattern}'):
                printed = waiting.until(look, f'{command}: {pattern}', seconds, poll=poll)
        except waiting.Timeout as timeout:
            raise waiting.Timeout(f'{timeout}\n{self._cluster.shell(command, check=False)}') from None
        self._show(command, printed)
        return printed

    def note(self, line):
        """A line that no command printed."""
        self._parts.append(f"\n    {line}\n")

    def on_node(self, node, script):
        """A command on a node itself."""
        printed = self._cluster.nodes[node].run(script)
        self._show(f'{node}# {script}', printed, prompt='')
        return printed

    def _show(self, typed, printed, prompt='$ '):
        # Where this repository lies is nobody's business.
        lines = printed.replace(f'{paths.ROOT}/', '').rstrip().splitlines()
        block = [prompt + typed, *lines]
        self._parts.append('\n' + '\n'.join('    ' + line.rstrip() for line in block) + '\n')

    def write(self, path):
        path.write_text(''.join(self._parts))
