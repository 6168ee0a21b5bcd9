# SPDX-License-Identifier: Apache-2.0
"""What a person would type and see: commands are run, and written down with what they printed."""

import re
import textwrap

from harness import waiting

HEAD = """# Walkthrough

Written by `./dev walkthrough --write-docs` from a run on two emulated nodes: every command below was typed, every line
below it was printed.
"""


class Transcript:
    def __init__(self, cluster):
        self._cluster = cluster
        self._parts = [HEAD]

    def chapter(self, title, text=''):
        self._parts.append(f'\n## {title}\n')
        self.say(text)

    def say(self, text):
        if text:
            self._parts.append('\n' + textwrap.fill(' '.join(text.split()), 110) + '\n')

    def kubectl(self, words, check=True):
        """Runs it and writes it down."""
        printed = self._cluster.kubectl(words, check)
        self._show(f'kubectl {words}', printed)
        return printed

    def kubectl_until(self, words, pattern, seconds=120):
        """Runs it until its output matches; written down as it was then."""
        def look():
            printed = self._cluster.kubectl(words, check=False)
            return printed if re.search(pattern, printed) else None

        try:
            printed = waiting.until(look, f'kubectl {words}: {pattern}', seconds, poll=0.5)
        except waiting.Timeout as timeout:
            raise waiting.Timeout(f'{timeout}\n{self._cluster.kubectl(words, check=False)}') from None
        self._show(f'kubectl {words}', printed)
        return printed

    def on_node(self, node, script):
        """A command on a node itself."""
        printed = self._cluster.nodes[node].run(script)
        self._show(f'{node}# {script}', printed, prompt='')
        return printed

    def _show(self, typed, printed, prompt='$ '):
        block = [prompt + typed, *printed.rstrip().splitlines()]
        self._parts.append('\n' + '\n'.join('    ' + line.rstrip() for line in block) + '\n')

    def write(self, path):
        path.write_text(''.join(self._parts))
