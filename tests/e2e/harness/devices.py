# SPDX-License-Identifier: Apache-2.0
"""The simulated devices of one node: the JSON file that its agent reads, and volumes in it.

create() does what the CSI driver does on a real node: best-fit pool, first fitting extent. audit()
is the judge: it knows nothing of how create() decides, only what may never be in such a file.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import threading

GI = 1 << 30
EXTENT_BYTES = 4 << 20
ALIGN_BYTES = 16 << 20


class DoesNotFit(Exception):
    """No pool of the node has room: what a driver answers as ResourceExhausted."""


def volume_group(size_bytes, name='pmemvgregion0', numa_node=0):
    return {
        'name': name,
        'size_bytes': size_bytes,
        'extent_size_bytes': EXTENT_BYTES,
        'numa_node': numa_node,
        'volumes': [],
    }


def region(size_bytes, name='region1', numa_node=1, label_slots=1023):
    return {
        'name': name,
        'size_bytes': size_bytes,
        'align_bytes': ALIGN_BYTES,
        'numa_node': numa_node,
        'label_slots': label_slots,
        'namespaces': [],
    }


def layout(volume_groups=(), regions=()):
    return {'volume_groups': list(volume_groups), 'regions': list(regions)}


def round_up(size_bytes, step):
    return -(-max(size_bytes, 1) // step) * step


class SimulatedDevices:
    """Thread-safe, and safe beside a driver that writes the file."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self._lock = threading.Lock()
        self.write(layout())

    @contextlib.contextmanager
    def _locked(self):
        """Nobody else rewrites the file meanwhile."""
        with self._lock, open(f'{self.path}.lock', 'a', encoding='ascii') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def held(self):
        """Whoever makes a volume meanwhile waits in the middle of it."""
        with self._locked():
            yield

    def write(self, content):
        with self._locked():
            self._replace(content)

    def _replace(self, content):
        """In one step: a reader sees the old or the new one, never half."""
        temporary = self.path.with_suffix('.new')
        temporary.write_text(json.dumps(content, indent=1))
        os.replace(temporary, self.path)

    def read(self):
        return json.loads(self.path.read_text())

    def create(self, kind, name, size_bytes):
        """Creates the volume unless it is there. DoesNotFit leaves everything as it was."""
        with self._locked():
            content = self.read()
            if name not in _names(content):
                place(content, kind, name, size_bytes)
                self._replace(content)

    def delete(self, name):
        with self._locked():
            content = self.read()
            for group in content['volume_groups']:
                group['volumes'] = [v for v in group['volumes'] if v['name'] != name]
            for one in content['regions']:
                one['namespaces'] = [n for n in one['namespaces'] if n['name'] != name]
            self._replace(content)

    def free_bytes(self, kind):
        """Of all pools of the kind together, fragments included."""
        content = self.read()
        if kind == 'lvm':
            return sum(_group_free(g) for g in content['volume_groups'])
        return sum(
            r['size_bytes'] - sum(n['size_bytes'] for n in r['namespaces'])
            for r in content['regions']
        )

    def volumes(self):
        """[(pool, name, bytes)] of everything on the node."""
        content = self.read()
        return [
            (f'lvm/{g["name"]}', v['name'], v['size_bytes'])
            for g in content['volume_groups']
            for v in g['volumes']
        ] + [
            (f'direct/{r["name"]}', n['name'], n['size_bytes'])
            for r in content['regions']
            for n in r['namespaces']
        ]


def place(content, kind, name, size_bytes):
    """Adds the volume to the value of a device file; DoesNotFit leaves it as it was."""
    (_create_lvm if kind == 'lvm' else _create_direct)(content, name, size_bytes)


def _names(content):
    return {v['name'] for g in content['volume_groups'] for v in g['volumes']} | {
        n['name'] for r in content['regions'] for n in r['namespaces']
    }


def _group_free(group):
    return group['size_bytes'] // group['extent_size_bytes'] * group['extent_size_bytes'] - sum(
        v['size_bytes'] for v in group['volumes']
    )


def _create_lvm(content, name, size_bytes):
    fitting = [
        (_group_free(g), g)
        for g in content['volume_groups']
        if _group_free(g) >= round_up(size_bytes, g['extent_size_bytes'])
    ]
    if not fitting:
        raise DoesNotFit(f'no VolumeGroup has {size_bytes} bytes for {name}')
    group = min(fitting, key=lambda pair: pair[0])[1]
    group['volumes'].append(
        {'name': name, 'size_bytes': round_up(size_bytes, group['extent_size_bytes'])}
    )


def _free_extents(one):
    position = 0
    for taken in sorted(one['namespaces'], key=lambda n: n['offset_bytes']):
        yield position, taken['offset_bytes'] - position
        position = taken['offset_bytes'] + taken['size_bytes']
    yield position, one['size_bytes'] - position


def _create_direct(content, name, size_bytes):
    fitting = []
    for one in content['regions']:
        need = round_up(size_bytes, one['align_bytes'])
        if one.get('label_slots', 1023) > len(one['namespaces']):
            fitting += [
                (length, offset, need, one)
                for offset, length in _free_extents(one)
                if length >= need
            ]
    if not fitting:
        raise DoesNotFit(f'no region has {size_bytes} contiguous bytes for {name}')
    _, offset, need, one = min(fitting, key=lambda found: found[:2])
    one['namespaces'].append(
        {'name': name, 'offset_bytes': offset, 'size_bytes': need, 'mode': 'fsdax'}
    )


def audit(content):
    """What is wrong in a device file, one line each: more taken than there is, or overlapping."""
    wrong = []
    for group in content['volume_groups']:
        taken = sum(v['size_bytes'] for v in group['volumes'])
        if taken > group['size_bytes']:
            wrong.append(f'{group["name"]}: {taken} of {group["size_bytes"]} bytes taken')
        wrong += [
            f'{group["name"]}: {v["name"]} is no whole number of extents'
            for v in group['volumes']
            if v['size_bytes'] % group['extent_size_bytes']
        ]
    for one in content['regions']:
        ranges = sorted(
            (n['offset_bytes'], n['offset_bytes'] + n['size_bytes'], n['name'])
            for n in one['namespaces']
        )
        ends = [0] + [end for _, end, _ in ranges]
        wrong += [
            f'{one["name"]}: {name} overlaps'
            for (start, _, name), before in zip(ranges, ends)
            if start < before
        ]
        if ends[-1] > one['size_bytes']:
            wrong.append(f'{one["name"]}: reaches past its end')
    return wrong
