# SPDX-License-Identifier: Apache-2.0
"""Files that others publish in Go modules, fetched with go's own client, its cache and its checksums."""

import json
import os
import pathlib
import subprocess

FETCH_SECONDS = 300


def fetch(module, version, checksum):
    """The folder of the module's files. `checksum`: as in a go.sum, "h1:…"."""
    done = subprocess.run(
        ['go', 'mod', 'download', '-json', f'{module}@{version}'],
        capture_output=True,
        text=True,
        check=False,
        cwd='/',
        timeout=FETCH_SECONDS,
        env=dict(os.environ, GO111MODULE='on', GOFLAGS='', GOTOOLCHAIN='local'),
    )
    assert done.returncode == 0, f'{module}@{version}: {done.stdout}{done.stderr}'
    fetched = json.loads(done.stdout)
    assert fetched['Sum'] == checksum, f'{module}@{version}: checksum {fetched["Sum"]}'
    return pathlib.Path(fetched['Dir'])
