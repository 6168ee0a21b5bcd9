# SPDX-License-Identifier: Apache-2.0
"""Builds the container images of manifests/ as OCI archives; no container daemon is needed.

usage: ./dev images [NAME...] [--json]
  NAME    only these images, by the beginning of their names

Debian packages are one layer, the program another. Same packages and same sources give the same
archives, byte for byte. Each image is tried: its program is run in its own files and says its version. Needs root.
What comes out, build/images/NAME.tar, is imported by `ctr images import` or copied by skopeo.
"""

import dataclasses
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

import builds
import control_plane
import steps
import tables
import usage

IMAGES = builds.BUILD / 'images'
PACKAGES = builds.ROOT / 'tools' / 'images' / 'packages'
SUITE = 'bookworm'
NOBODY = '65532:65532'
ROOT_USER = '0:0'  # Its work is done on block devices.
PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
# What nobody reads in a container; copyright files stay.
UNREAD = (
    'cd "$1" && rm -rf usr/share/man usr/share/locale usr/share/info usr/share/lintian usr/lib/*/gconv'
    ' var/cache var/log var/lib/apt'
    ' && find usr/share/doc -type f ! -name copyright -delete && find usr/share/doc -type d -empty -delete'
)


@dataclasses.dataclass(frozen=True)
class Image:
    name: str
    program: pathlib.Path
    version: str
    user: str
    has_packages: bool = True

    @property
    def directory(self):
        return IMAGES / self.name

    @property
    def reference(self):
        return f'{self.directory / "oci"}:{self.version}'

    @property
    def stamp(self):
        return IMAGES / f'.{self.name}.stamp'

    def digest(self):
        """Of what it is made from, Debian's packages as they are today aside."""
        digest = hashlib.sha256(f'{self.version} {self.user}'.encode())
        digest.update(pathlib.Path(__file__).read_bytes())
        digest.update(self.program.read_bytes())
        if self.has_packages:
            digest.update((PACKAGES / self.name).read_bytes())
        return digest.hexdigest()

    def is_current(self):
        archived = (IMAGES / f'{self.name}.tar').exists() and self.stamp.exists()
        return archived and self.stamp.read_text() == self.digest()


def project_version():
    return re.search(r"version: '([^']+)'", (builds.ROOT / 'meson.build').read_text())[1]


def sidecar_image(program):
    """Others' program, by its module's version."""
    modules = (control_plane.CSI_MODULE / 'go.mod').read_text()
    module = program.package.partition('/cmd/')[0]
    version = re.search(rf'{re.escape(module)} (v\S+)', modules)[1]
    return Image(program.name, program.binary, version, ROOT_USER, has_packages=False)


def all_images():
    version = project_version()
    release = builds.RELEASE.directory
    return (
        Image('pmem-extender', release / 'extender' / 'pmem-extender', version, NOBODY),
        Image('pmem-capacity-agent', release / 'capacity-agent' / 'pmem-capacity-agent', version, ROOT_USER),
        Image('pmem-csi-driver', release / 'csi-driver' / 'pmem-csi-driver', version, ROOT_USER),
        *(sidecar_image(program) for program in control_plane.SIDECARS),
    )


def source_time():
    """Seconds since 1970 of the sources: every file and date in an image has it."""
    done = subprocess.run(
        ['git', 'log', '-1', '--format=%ct'], cwd=builds.ROOT, capture_output=True, text=True, check=False
    )
    return int(done.stdout.strip() or 0)


def program_layer(image, path, seconds):
    """A tar of the stripped program alone."""
    stripped = image.directory / image.name
    subprocess.run(['strip', '-o', stripped, image.program], check=True)
    with tarfile.open(path, 'w') as tar:
        for name, source in (('usr', None), ('usr/bin', None), (f'usr/bin/{image.name}', stripped)):
            entry = tarfile.TarInfo(name)
            entry.mode, entry.mtime = 0o755, seconds
            if source is None:
                entry.type = tarfile.DIRTYPE
                tar.addfile(entry)
            else:
                entry.size = source.stat().st_size
                with source.open('rb') as content:
                    tar.addfile(entry, content)
    stripped.unlink()


def package_layer_command(image, path):
    packages = ','.join((PACKAGES / image.name).read_text().split())
    # Without a mirror named: Debian's own, with updates and security.
    return [
        *('mmdebstrap', '--quiet', '--mode=root', '--variant=extract', '--skip=check/qemu'),
        *(f'--include={packages}', f'--customize-hook={UNREAD}', SUITE, path),
    ]


def image_commands(image, layers, created):
    oci = image.directory / 'oci'
    labels = (
        f'org.opencontainers.image.title={image.name}',
        f'org.opencontainers.image.version={image.version}',
        'org.opencontainers.image.licenses=Apache-2.0',
    )
    yield ['umoci', 'init', '--layout', oci]
    yield ['umoci', 'new', '--image', image.reference]
    for layer in layers:
        yield [
            *('umoci', 'raw', 'add-layer', '--image', image.reference),
            *('--history.created', created, '--history.created_by', layer.stem, layer),
        ]
    yield [
        *('umoci', 'config', '--image', image.reference, '--created', created, '--no-history'),
        *('--config.user', image.user, '--config.entrypoint', image.name, '--config.env', PATH),
        *(word for label in labels for word in ('--config.label', label)),
    ]
    yield ['umoci', 'gc', '--layout', oci]


def trial_commands(image):
    """The program in the image's own files; it must find every library there."""
    tree = image.directory / 'tree'
    return [
        ['umoci', 'raw', 'unpack', '--keep-dirlinks', '--image', image.reference, tree],
        ['chroot', tree, f'/usr/bin/{image.name}', '--version'],
    ]


def build(board, image, seconds):
    shutil.rmtree(image.directory, ignore_errors=True)
    image.directory.mkdir(parents=True)
    created = subprocess.run(
        ['date', '-u', f'-d@{seconds}', '+%Y-%m-%dT%H:%M:%SZ'], capture_output=True, text=True, check=True
    ).stdout.strip()
    packages, program = image.directory / 'packages.tar', image.directory / 'program.tar'
    program_layer(image, program, seconds)
    layers = [packages, program] if image.has_packages else [program]
    commands = [package_layer_command(image, packages)] if image.has_packages else []
    commands += [*image_commands(image, layers, created), *trial_commands(image)]
    env = dict(os.environ, SOURCE_DATE_EPOCH=str(seconds))
    ok, _ = steps.run(board, f'{image.name} image', [[str(w) for w in c] for c in commands], env)
    return ok


def _without_traces(entry):
    """As nobody's, of no time: the same image is the same archive, byte for byte."""
    entry.mtime = 0
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ''
    entry.mode = 0o755 if entry.isdir() else 0o644
    return entry


def archive(image):
    """The layout as one file, and what is worth knowing of it."""
    oci = image.directory / 'oci'
    unpacked = sum(p.stat().st_size for p in (image.directory / 'tree').rglob('*') if not p.is_symlink())
    with tarfile.open(IMAGES / f'{image.name}.tar', 'w') as tar:
        for path in [oci, *sorted(oci.rglob('*'))]:
            tar.add(path, arcname=path.relative_to(oci), recursive=False, filter=_without_traces)
    shutil.rmtree(image.directory / 'tree')
    image.stamp.write_text(image.digest())
    manifest = json.loads((oci / 'index.json').read_text())['manifests'][0]
    return {
        'image': f'{image.name}:{image.version}',
        'user': image.user.split(':')[0],
        'packed_bytes': (IMAGES / f'{image.name}.tar').stat().st_size,
        'unpacked_bytes': unpacked,
        'digest': manifest['digest'],
    }


def build_programs(board, images, has_ours=False):
    targets = [str(i.program.relative_to(builds.RELEASE.directory)) for i in images if i.has_packages and not has_ours]
    commands = builds.build_commands(builds.RELEASE, targets) if targets else []
    ok, _ = steps.run(board, 'image programs', commands, builds.environment(builds.RELEASE))
    wanted = [p for p in control_plane.SIDECARS if any(i.name == p.name for i in images)]
    for program in control_plane.missing(wanted):
        built, _ = steps.run(
            board, f'{program.name} build', control_plane.build_commands(program), control_plane.go_environment()
        )
        if built:
            program.mark_current()
        ok = ok and built
    return ok


def ensure(board):
    """Builds the images that are not made of today's programs; the programs are there. True when all is well."""
    seconds = source_time()
    for image in all_images():
        if not image.is_current():
            if not build(board, image, seconds):
                return False
            archive(image)
    return True


def main(arguments):
    usage.refuse_options_but(('--json',), arguments)
    wanted = [a for a in arguments if a != '--json']
    images = [i for i in all_images() if not wanted or any(i.name.startswith(w) for w in wanted)]
    if not images:
        usage.refuse(wanted, 'image', [i.name for i in all_images()])
    is_json = '--json' in arguments
    usage.need_root('to unpack packages as they are and to try the programs among them')
    board = steps.Board(builds.BUILD / 'logs', out=sys.stderr if is_json else sys.stdout)
    if not build_programs(board, images):
        return 1
    seconds = source_time()
    if not all([build(board, image, seconds) for image in images]):
        return 1
    facts = [archive(image) for image in images]
    if is_json:
        print(json.dumps(facts, indent=1))
        return 0
    rows = [
        (f['image'], f['user'], *(f'{f[k] / 1e6:.1f} MB' for k in ('packed_bytes', 'unpacked_bytes')), f['digest'][:19])
        for f in facts
    ]
    headings = ('image', 'user', 'packed', 'unpacked', 'digest')
    print('\n'.join(tables.table(headings, rows, right=('packed', 'unpacked'))))
    return 0
