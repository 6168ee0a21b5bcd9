# SPDX-License-Identifier: Apache-2.0
"""The test machine: one QEMU process in software emulation, with four NVDIMMs.

Commands run in it through its door (door.cgi), the agent's port is forwarded to this host.
Everything has a time limit, and the machine never outlives the process that made it.
"""

import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess

import initramfs
import machine_door
from harness import waiting

GIB = 1 << 30
MIB = 1 << 20

BOOT_SECONDS_MAX = 60
COMMAND_SECONDS_MAX = 90
MACHINE_SECONDS_MAX = 2400  # Of one boot; the limit of tests/guest/run comes first, which counts.
# Cases that are alike are tried one by one, which takes minutes more; else some of them.
IS_WHOLE = bool(os.environ.get('GUEST_WHOLE'))

# Sizes differ, so that a region is found by its size: the kernel's numbering is not the order here.
# 2 MiB on top of whole GiB for the label area, or the next NVDIMM starts off its alignment.
NVDIMMS = {
    'lvm': {'gib': 4},
    'direct': {'gib': 3},
    'read_only': {'gib': 2, 'options': ',unarmed=on'},
    'label_less': {'gib': 1},
}


def shared_objects(program):
    """The files that the dynamic linker wants for `program`, as absolute paths; none for a static one."""
    listing = subprocess.run(['ldd', program], check=False, capture_output=True, text=True).stdout
    return sorted(set(re.findall(r'(/\S+)', listing)))


def overlay(work, programs):
    """A folder with programs and their shared objects, to go behind the base archive."""
    tree = initramfs.fresh_tree(work)
    for program in programs:
        target = tree / 'usr' / 'bin' / os.path.basename(program)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(program, target)
        subprocess.run(['strip', '--strip-debug', target], check=True)
        for path in shared_objects(program):
            # The machine has merged /usr: /lib is a link there and must stay one.
            place = tree / 'usr' / path.lstrip('/').removeprefix('usr/')
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.exists():
                shutil.copy(os.path.realpath(path), place)
    return tree


def nvdimm_arguments(work):
    """The -object and -device arguments of all NVDIMMs. Their content is sparse files, which outlive a boot."""
    arguments = []
    for number, (role, dimm) in enumerate(NVDIMMS.items()):
        size = f"{dimm['gib'] * 1024 + 2}M"
        arguments += ['-object', f'memory-backend-file,id=m{number},size={size},share=on,'
                      f'mem-path={work / role}.nvdimm',
                      '-device', f'nvdimm,id=nv{number},memdev=m{number},label-size=2M'
                      + dimm.get('options', '')]
    return arguments


class Guest:
    """A running machine. Not thread-safe, but several threads may each use run() and get()."""

    def __init__(self, work, programs=(), forward=()):
        """Boots. `forward` are the machine's ports that this host shall reach."""
        self.work = pathlib.Path(work)
        self.console = self.work / 'console.log'
        self._monitor_path = self.work / 'monitor.sock'
        self._forward = forward
        tree = overlay(self.work, programs) if programs else None
        self._initramfs = initramfs.write(self.work / 'initramfs.cpio', self.work / 'base.cpio', tree)
        self._forget_nvdimms()
        self._boot()

    def reboot(self):
        """As when it is switched off and on: what is on the NVDIMMs stays, and nothing else."""
        self._end()
        self._boot()

    def _boot(self):
        self._monitor_path.unlink(missing_ok=True)
        ports = ''.join(f',hostfwd=tcp:127.0.0.1:0-:{port}' for port in (80, *self._forward))
        self._messages = open(self.work / 'qemu.log', 'wb')
        self._process = subprocess.Popen(
            # setpriv and timeout: the machine ends with its maker, and ends anyway.
            ['setpriv', '--pdeathsig', 'TERM', 'timeout', '-k', '2', str(MACHINE_SECONDS_MAX),
             'qemu-system-x86_64', '-accel', 'tcg,thread=multi', '-machine', 'pc,nvdimm=on',
             '-smp', '1', '-m', '768M,slots=8,maxmem=64G',
             '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot',
             '-serial', f'file:{self.console}',
             '-monitor', f'unix:{self._monitor_path},server=on,wait=off',
             '-kernel', self.work / 'kernel' / 'vmlinux',
             '-initrd', self._initramfs,
             '-append', 'console=ttyS0 panic=-1 quiet',
             *nvdimm_arguments(self.work),
             '-device', 'virtio-rng-pci',
             '-netdev', f'user,id=n0{ports}', '-device', 'virtio-net-pci,netdev=n0,romfile='],
            stdin=subprocess.DEVNULL, stderr=self._messages)
        try:
            self._wait_for_door()
        except BaseException:
            self.stop()
            raise

    def _wait_for_door(self):
        try:
            waiting.until(lambda: self._has_door() or self._process.poll() is not None,
                          'the door answers', BOOT_SECONDS_MAX)
            has_booted = self._process.poll() is None
        except waiting.Timeout:
            has_booted = False
        if not has_booted:
            raise RuntimeError('the machine did not boot:\n' + self.console_tail()
                               + '\n' + (self.work / 'qemu.log').read_text())

    def _has_door(self):
        try:
            self.ports = {inside: outside for (_, inside), outside in
                          machine_door.forwarded_ports(self._monitor_path).items()}
            self.run('true', seconds=2)
        except (OSError, http.client.HTTPException):
            return False  # Not yet: the port accepts before the machine listens.
        return True

    def console_tail(self):
        """The last lines of the serial console."""
        return '\n'.join(self.console.read_text(errors='replace').splitlines()[-30:])

    def run(self, script, seconds=COMMAND_SECONDS_MAX, check=True):
        """Output of a bash script in the machine. Raises CommandFailed, with what it wrote."""
        return machine_door.run(self.ports[80], script, seconds, check)

    def json(self, command):
        """What a command prints, as JSON. ndctl prints nothing at all when it has nothing."""
        return json.loads(self.run(command) or '[]')

    def create_namespace(self, region, size, name):
        """Makes an fsdax namespace; what ndctl says about it."""
        return self.json(f'ndctl create-namespace -r {region} -m fsdax -s {size} -n {name}')

    def dimm_of(self, region):
        """The first NVDIMM behind a region."""
        return self.run(f'cat /sys/bus/nd/devices/{region}/mapping0').split(',')[0]

    def get(self, port, path, headers=None, seconds=COMMAND_SECONDS_MAX):
        """GET on a forwarded port: (status, headers, body)."""
        connection = http.client.HTTPConnection('127.0.0.1', self.ports[port], timeout=seconds)
        connection.request('GET', path, headers=headers or {})
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response.status, response.headers, body

    def stop(self):
        """Ends the machine, and what its NVDIMMs hold. Idempotent."""
        self._end()
        self._forget_nvdimms()

    def _forget_nvdimms(self):
        for role in NVDIMMS:
            (self.work / f'{role}.nvdimm').unlink(missing_ok=True)

    def _end(self):
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=5)
        self._messages.close()
