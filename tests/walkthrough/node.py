# SPDX-License-Identifier: Apache-2.0
"""A node: one QEMU process in software emulation, with a disk, NVDIMMs, a way to the host and a link to the other nodes."""

import fcntl
import http.client
import subprocess
import threading

import paths
import initramfs
import machine_door
from harness import processes, waiting

# The emulated clock is the host's: a source that user space reads without a system call spares one for each look at it,
# and what guards against other users of a processor guards nothing here.
# An idle processor that missed the one interrupt it was to wait for has stayed idle, with all that was to run on it: so each
# gets a tick that the emulator repeats by itself.
KERNEL_WORDS = ('console=ttyS0 panic=-1 quiet net.ifnames=0 tsc=reliable clocksource=tsc mitigations=off audit=0 nowatchdog '
                'nohz=off highres=off')
BOOT_SECONDS = 180
COMMAND_SECONDS = 60
MACHINE_SECONDS_MAX = 2400
DISK_FREE_SECONDS = 30
HOST_SIDE_ADDRESS = '10.0.2.15'


def pack(work, files):
    """The initramfs of stage 1 with /node/NAME for each of `files`, {name: text}."""
    tree = initramfs.fresh_tree(work)
    (tree / 'node').mkdir()
    for name, text in files.items():
        (tree / 'node' / name).write_text(text)
        (tree / 'node' / name).chmod(0o700)
    return initramfs.write(work / 'initramfs.cpio', paths.WORK / 'stage1.cpio', tree)


def machine_command(archive, disks, processors=2, memory_mib=1536):
    """QEMU with everything but NVDIMMs and network."""
    # setpriv: the machine ends with timeout, which ends with whoever started it.
    command = ['timeout', '-k', '2', str(MACHINE_SECONDS_MAX), 'setpriv', '--pdeathsig', 'KILL',
               'qemu-system-x86_64', '-accel', 'tcg,thread=multi',
               '-machine', 'pc,nvdimm=on', '-smp', str(processors), '-m', f'{memory_mib}M,slots=8,maxmem=128G',
               '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-serial', 'file:console.log',
               '-kernel', paths.KERNEL / 'vmlinux', '-initrd', archive,
               '-append', KERNEL_WORDS, '-device', 'virtio-rng-pci']
    for number, disk in enumerate(disks):
        command += ['-drive', f'file={disk},format=raw,if=none,id=d{number},cache=unsafe',
                    '-device', f'virtio-blk-pci,drive=d{number}']
    return command


class Node:
    """start() boots it. What is on its disk and in its NVDIMMs outlives power_off(). Several threads may use it."""

    def __init__(self, work, name, number, nvdimm_gib, processors, switch, sockets, supervisor):
        """`switch`: the socket that leads to the other nodes."""
        self.name = name
        self.number = number
        self.work = work
        self.address = f'192.168.50.{10 + number}'
        self._nvdimm_gib = nvdimm_gib
        self._processors = processors
        self._switch = switch
        self._link = sockets / f'{name}.link'
        self._monitor = sockets / f'{name}.monitor'
        self._supervisor = supervisor
        self._lock = threading.Lock()
        self._ways = {}
        self._process = None
        work.mkdir(parents=True)

    def prepare(self, disk, files):
        """`files`: what goes into /node."""
        subprocess.run(['cp', '--sparse=always', disk, self.work / 'disk.img'], check=True)
        settings = f'NAME={self.name}\nNUMBER={self.number}\n'
        self._initramfs = pack(self.work, {'settings': settings, **files})

    def start(self):
        """Returns at once; wait_for_door() when it is there."""
        self._ways = {}
        number = self.number
        command = machine_command(self._initramfs, [self.work / 'disk.img'], self._processors)
        command += [
            '-monitor', f'unix:{self._monitor},server=on,wait=off',
            # 2 MiB on top for the label area, or the namespaces would start off their alignment.
            '-object', f'memory-backend-file,id=m0,size={self._nvdimm_gib * 1024 + 2}M,share=on,mem-path=nvdimm',
            '-device', 'nvdimm,id=nv0,memdev=m0,label-size=2M',
            '-netdev', f'user,id=n0,hostfwd=tcp:127.0.0.1:0-{HOST_SIDE_ADDRESS}:80',
            '-device', f'virtio-net-pci,netdev=n0,mac=52:54:00:00:00:0{number},romfile=',
            '-netdev', f'dgram,id=n1,local.type=unix,local.path={self._link},remote.type=unix,remote.path={self._switch}',
            '-device', f'virtio-net-pci,netdev=n1,mac=52:54:00:00:01:0{number},romfile=',
        ]
        self._process = self._supervisor.start(self.name, ['env', '-C', self.work, *command])

    def wait_for_door(self):
        def opened():
            if self._process.exit_code() is not None:
                raise processes.ProcessFailed(f'{self.name} ended:\n{self._process.output()}\n{self.console()}')
            try:
                return self.run('echo open', seconds=5)
            except (OSError, http.client.HTTPException):
                return None  # Not yet: the port accepts before the machine listens.

        waiting.until(opened, f'{self.name} has booted', BOOT_SECONDS, poll=0.2)

    def console(self):
        """The last lines of the serial console."""
        return '\n'.join((self.work / 'console.log').read_text(errors='replace').splitlines()[-40:])

    def run(self, script, seconds=COMMAND_SECONDS, check=True):
        """Output of a bash script on the node itself."""
        return machine_door.run(self.way(HOST_SIDE_ADDRESS, 80), script, seconds, check)

    def way(self, address, port):
        """This host's port that leads to an address of the node, of a pod on it, or of a Service."""
        with self._lock:
            if (address, port) not in self._ways:
                self._ways = machine_door.forwarded_ports(self._monitor)
            if (address, port) not in self._ways:
                said = machine_door.ask_monitor(self._monitor, f'hostfwd_add n0 tcp:127.0.0.1:0-{address}:{port}')
                self._ways = machine_door.forwarded_ports(self._monitor)
                assert (address, port) in self._ways, said
            return self._ways[address, port]

    @property
    def runs(self):
        return self._process is not None and self._process.exit_code() is None

    def power_off(self):
        """As when the plug is pulled. Returns when the machine is gone: it dies by its parent's death, which is the one we kill."""
        self._process.kill()
        waiting.until(self._is_disk_free, f'the disk of {self.name} is let go', DISK_FREE_SECONDS, poll=0.05)

    def _is_disk_free(self):
        with open(self.work / 'disk.img', 'r+b') as disk:
            try:
                fcntl.lockf(disk, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return False
            return True
