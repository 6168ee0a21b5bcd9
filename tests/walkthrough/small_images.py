# SPDX-License-Identifier: Apache-2.0
"""Two images of this host's static busybox: one for the pods of the walkthrough, one that holds a pod's namespaces open."""

import hashlib
import io
import json
import shutil
import subprocess
import tarfile

VERSION = '1'
ENTRY_POINTS = {'busybox': None, 'pause': ['/bin/busybox', 'sleep', '2147483647']}


def _layer():
    """/bin with busybox and a link for each of its commands; the same bytes each time."""
    busybox = shutil.which('busybox')
    names = subprocess.run([busybox, '--list'], check=True, capture_output=True, text=True).stdout.split()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w') as tar:
        for name in ('bin', 'tmp', 'etc'):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        entry = tar.gettarinfo(busybox, 'bin/busybox')
        entry.mtime, entry.mode, entry.uid, entry.gid, entry.uname, entry.gname = 0, 0o755, 0, 0, '', ''
        with open(busybox, 'rb') as content:
            tar.addfile(entry, content)
        for name in sorted(set(names) - {'busybox'}):
            link = tarfile.TarInfo(f'bin/{name}')
            link.type, link.linkname = tarfile.SYMTYPE, 'busybox'
            tar.addfile(link)
    return out.getvalue()


def write(path, entry_point):
    """An OCI archive with one layer."""
    blobs = {}

    def blob(data, media_type):
        digest = hashlib.sha256(data).hexdigest()
        blobs[digest] = data
        return {'mediaType': f'application/vnd.oci.image.{media_type}', 'digest': f'sha256:{digest}', 'size': len(data)}

    layer = blob(_layer(), 'layer.v1.tar')
    config = blob(json.dumps({
        'architecture': 'amd64', 'os': 'linux', 'config': {'Env': ['PATH=/bin'], 'Entrypoint': entry_point},
        'rootfs': {'type': 'layers', 'diff_ids': [layer['digest']]}}).encode(), 'config.v1+json')
    manifest = blob(json.dumps({
        'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.manifest.v1+json', 'config': config,
        'layers': [layer]}).encode(), 'manifest.v1+json')
    manifest['annotations'] = {'org.opencontainers.image.ref.name': VERSION}
    with tarfile.open(path, 'w') as tar:
        def put(name, data):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))

        put('oci-layout', b'{"imageLayoutVersion":"1.0.0"}')
        put('index.json', json.dumps({'schemaVersion': 2, 'manifests': [manifest]}).encode())
        for digest, data in blobs.items():
            put(f'blobs/sha256/{digest}', data)
