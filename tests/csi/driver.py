# SPDX-License-Identifier: Apache-2.0
"""One pmem-csi-driver of this host, over simulated devices."""

import os
import pathlib
import subprocess

from calls import Calls, PendingCall
from harness import devices, processes

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = ROOT / 'build' / 'release'
# `./dev test` has a sanitizer's build tested, too.
PROGRAM = pathlib.Path(os.environ.get('DRIVER', RELEASE / 'csi-driver' / 'pmem-csi-driver'))
CSI_CALL = pathlib.Path(os.environ.get('CSI_CALL', RELEASE / 'tests' / 'csi' / 'csi-call'))


class Driver(Calls):
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True)
        self.root = str(self.directory)
        self.devices = devices.SimulatedDevices(self.directory / 'devices.json')
        self.socket = self.directory / 'csi.sock'
        self.supervisor = processes.Supervisor(self.directory / 'logs')
        self.process = None
        self.programs = self.directory / 'programs'

    def start(self, layout=None, *flags):
        """Over `layout`, or over what is there already. Programs of self.programs go before the host's."""
        if layout is not None:
            self.devices.write(layout)
        self.process = self.supervisor.start(
            'driver',
            [
                PROGRAM,
                '--node-name=node-1',
                f'--endpoint=unix:{self.socket}',
                f'--devices=simulated:{self.devices.path}',
                *flags,
            ],
            env={'PATH': f'{self.programs}:{os.environ["PATH"]}'},
        )
        self.process.wait_for_line('listening on')

    def replace_program(self, name, script):
        """What the driver runs under this name from now on."""
        self.programs.mkdir(exist_ok=True)
        path = self.programs / name
        path.write_text(f'#!/bin/sh\n{script}\n')
        path.chmod(0o755)

    def answer(self, method, request):
        return self.spawn(method, request).answer()

    def spawn(self, method, request):
        """The same call, under way."""
        return PendingCall(CSI_CALL, f'unix:{self.socket}', method, request)

    def make_directory(self, path):
        pathlib.Path(path).mkdir(parents=True, exist_ok=True)

    def leftovers(self):
        """Mounts and loop devices below our folder."""
        mounts = pathlib.Path('/proc/self/mountinfo').read_text()
        loops = subprocess.run(
            ['losetup', '--list', '--noheadings', '--output=NAME,BACK-FILE'],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        return [line for line in (mounts + loops).split('\n') if f'{self.directory}/' in line]

    def findings(self):
        """Lines of its log in which a sanitizer says what it found."""
        logs = [log.read_text(errors='replace') for log in sorted(self.supervisor.logs.iterdir())]
        return processes.sanitizer_findings('\n'.join(logs))

    def clear(self):
        """Ends the driver, and whatever a failed test left mounted and attached."""
        self.supervisor.stop_all()
        paths = [line.split()[4] for line in self.leftovers() if ' - ' in line]
        for path in reversed(paths):
            subprocess.run(['umount', path], check=False)
        for line in self.leftovers():
            subprocess.run(['losetup', '--detach', line.split()[0]], check=False)
