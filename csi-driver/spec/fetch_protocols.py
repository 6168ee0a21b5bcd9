# SPDX-License-Identifier: Apache-2.0
"""Copies the .proto files of the modules that go.mod names into a directory of the build.

usage: fetch_protocols.py OUTPUT_DIRECTORY

Any Go does: each module is asked for by name and version, outside of any module, and is
checked against go.sum here. Without a network a module that Go has in its cache is enough.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
# Module -> its file, and what the build calls it.
FILES = {
    'github.com/container-storage-interface/spec': ('csi.proto', 'csi.proto'),
    'k8s.io/kubelet': ('pkg/apis/pluginregistration/v1/api.proto', 'pluginregistration.proto'),
}


def versions():
    """{module: version} of go.mod."""
    return dict(re.findall(r'(?m)^\t(\S+) (v\S+)$', (HERE / 'go.mod').read_text()))


def sums():
    """{(module, version): hash} of go.sum."""
    rows = re.findall(r'(?m)^(\S+) (\S+) (h1:\S+)$', (HERE / 'go.sum').read_text())
    return {(module, version): digest for module, version, digest in rows}


def download(module, version):
    """The module's directory in Go's cache."""
    env = dict(os.environ, GOTOOLCHAIN='local', GO111MODULE='on')
    with tempfile.TemporaryDirectory() as outside:
        done = subprocess.run(
            ['go', 'mod', 'download', '-json', f'{module}@{version}'],
            cwd=outside,
            env=env,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    said = json.loads(done.stdout or '{}')
    if done.returncode != 0 or 'Dir' not in said:
        sys.exit(f'{module}@{version}: {said.get("Error", "go mod download failed")}')
    if said['Sum'] != sums()[module, version]:
        sys.exit(f'{module}@{version}: its hash {said["Sum"]} is not the one of go.sum')
    return pathlib.Path(said['Dir'])


def main(output):
    for module, version in versions().items():
        source, name = FILES[module]
        target = pathlib.Path(output) / name
        shutil.copyfile(download(module, version) / source, target)


if __name__ == '__main__':
    main(sys.argv[1])
