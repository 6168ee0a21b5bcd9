# SPDX-License-Identifier: Apache-2.0
"""A Prometheus of ours, and what it answers."""

import json
import urllib.parse

import yaml

from . import control_plane


LOOK_AGAIN = '--scrape.discovery-reload-interval=1s'  # By itself every 5 s at the most.


class Prometheus:
    """Runs with this configuration until stop(), or until its supervisor stops all."""

    def __init__(self, supervisor, directory, config, program='prometheus', name='prometheus'):
        directory.mkdir(exist_ok=True)
        self.config = directory / 'prometheus.yaml'
        self.config.write_text(yaml.safe_dump(config))
        self.process = supervisor.start(name, [
            program, f'--config.file={self.config}', f'--storage.tsdb.path={directory / "data"}',
            '--web.listen-address=127.0.0.1:0', LOOK_AGAIN])
        self._address = self.process.wait_for_line(r'msg="Listening on".* address=(\S+)')[1]

    def _get(self, path):
        """What is in the answer's "data"; None while there is none."""
        try:
            _, answer = control_plane.get_json(f'http://{self._address}/api/v1/{path}')
        except OSError:
            return None
        return answer.get('data') if answer else None

    def query(self, text):
        """{labels as text: value}."""
        found = self._get('query?' + urllib.parse.urlencode({'query': text})) or {'result': []}
        return {json.dumps(row['metric'], sort_keys=True): float(row['value'][1]) for row in found['result']}

    def targets(self):
        """{URL that is scraped: labels of what is found there}."""
        found = self._get('targets?state=active') or {'activeTargets': []}
        return {target['scrapeUrl']: target['labels'] for target in found['activeTargets']}

    def stop(self):
        self.process.stop()
