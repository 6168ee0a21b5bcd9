# SPDX-License-Identifier: Apache-2.0
"""Makes the disk that every node boots from, with all images in it. Run as a program by ./dev walkthrough.

Images are imported by the node's own containerd, in one boot: software emulation takes long to unpack them, and so it
is done once. The disk is made again only when something that is in it has changed.
"""

import hashlib
import shutil
import subprocess
import sys

import paths
import node
import small_images
from harness import processes

DISK = paths.WORK / 'node.img'
STAMP = paths.WORK / 'node.stamp'
PROGRAMS = [paths.BINARIES / name for name in ('kubelet', 'kube-proxy')]
IMPORT_SECONDS = 1800  # Alone it takes one and a half minutes; ./dev test does it with what others leave of the processors.


def stamp():
    digest = hashlib.sha256()
    sources = [p for p in (paths.HERE / 'node').rglob('*') if p.is_file()]
    sources += [paths.HERE / name for name in ('make_node_disk', 'node_disk.py', 'small_images.py')]
    sources += [paths.KERNEL / 'package', paths.WORK / 'packages.stamp', *paths.IMAGES.glob('*.tar'), *PROGRAMS]
    for path in sorted(sources):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def image_disk(work):
    """A disk with the archives of all images."""
    folder = work / 'images'
    folder.mkdir()
    for archive in paths.IMAGES.glob('*.tar'):
        shutil.copy(archive, folder)
    for name, entry_point in small_images.ENTRY_POINTS.items():
        small_images.write(folder / f'{name}.tar', entry_point)
    disk = work / 'images.img'
    with disk.open('wb') as out:
        out.truncate(2 << 30)
    subprocess.run(['mke2fs', '-q', '-t', 'ext4', '-E', 'nodiscard', '-d', folder, disk], check=True)
    return disk


def import_images(work):
    """Boots once; root.img has the images afterwards."""
    settings = 'NAME=first\nNUMBER=1\n'
    first = (paths.HERE / 'node' / 'first').read_text()
    archive = node.pack(work, {'settings': settings, 'first': first})
    network = ['-netdev', 'user,id=n0', '-device', 'virtio-net-pci,netdev=n0,romfile=',
               '-netdev', 'user,id=n1', '-device', 'virtio-net-pci,netdev=n1,romfile=']
    command = node.machine_command(archive, [paths.WORK / 'root.img', image_disk(work)])
    subprocess.run(['env', '-C', work, *command, *network], check=True, timeout=IMPORT_SECONDS)
    console = (work / 'console.log').read_text(errors='replace')
    if 'the disk is made' not in console or 'cannot import' in console:
        raise processes.ProcessFailed(f'the images could not be imported:\n{console[-4000:]}')
    print(console)


def main():
    paths.WORK.mkdir(parents=True, exist_ok=True)
    subprocess.run([paths.ROOT / 'tests' / 'guest' / 'fetch_kernel', paths.KERNEL], check=True)
    if DISK.exists() and STAMP.exists() and STAMP.read_text() == stamp():
        return 0
    DISK.unlink(missing_ok=True)
    subprocess.run([paths.HERE / 'make_node_disk', paths.KERNEL, paths.WORK, *PROGRAMS], check=True)
    work = paths.WORK / 'first-boot'
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    import_images(work)
    (paths.WORK / 'root.img').rename(DISK)
    shutil.rmtree(work)
    STAMP.write_text(stamp())
    return 0


if __name__ == '__main__':
    sys.exit(main())
