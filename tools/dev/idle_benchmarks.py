# SPDX-License-Identifier: Apache-2.0
"""What agent and driver take of a node where nothing happens: CPU and memory over a minute, after some calls.

Each runs from a folder with libraries of its own, as in its image: pages that other programs of this host have
mapped too would be counted otherwise, and cannot be given back. Devices are simulated.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request

import builds
import tables

DIRECTORY = builds.BUILD / 'bench-idle'
IDLE_SECONDS = 60
CALLS = 5
DEVICES = {
    'volume_groups': [{'name': 'pmemvgregion0', 'size_bytes': 1 << 36, 'volumes': []}],
    'regions': [{'name': 'region1', 'size_bytes': 1 << 36, 'label_slots': 1023, 'namespaces': []}],
}
SOCKET = DIRECTORY / 'csi.sock'
AGENT = ('capacity-agent/pmem-capacity-agent', ['--listen=127.0.0.1:0'])
DRIVER = ('csi-driver/pmem-csi-driver', ['--listen=127.0.0.1:0', f'--endpoint=unix:{SOCKET}'])
CSI_CALL = 'tests/csi/csi-call'


def command_with_own_libraries(program):
    """The program's command line, from a folder that nobody else has mapped."""
    folder = DIRECTORY / program.name
    folder.mkdir(parents=True)
    listing = subprocess.run(['ldd', program], capture_output=True, text=True, check=True).stdout
    files = sorted(set(re.findall(r'(/\S+)', listing)))
    for path in (program, *files):
        shutil.copy(os.path.realpath(path), folder / os.path.basename(path))
    loader = next(f for f in files if 'ld-linux' in f)
    return [folder / os.path.basename(loader), '--library-path', folder, folder / program.name]


def cpu_seconds(process):
    fields = (open(f'/proc/{process.pid}/stat').read().rpartition(')')[2]).split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def memory(process):
    """(resident, of its own) in bytes."""
    text = open(f'/proc/{process.pid}/smaps_rollup').read()
    return tuple(int(re.search(rf'(?m)^{name}:\s+(\d+) kB', text)[1]) * 1024 for name in ('Rss', 'Anonymous'))


def use(name, address):
    """What a node sees of it in a minute: reports are read, volumes listed, metrics scraped."""
    for _ in range(CALLS):
        urllib.request.urlopen(f'http://{address}/metrics').read()
        if name == 'pmem-capacity-agent':
            urllib.request.urlopen(f'http://{address}/v1/capacity').read()
        else:
            call = [builds.RELEASE.directory / CSI_CALL, f'unix:{SOCKET}', 'csi.v1.Controller/ListVolumes', '{}']
            subprocess.run(call, check=True, stdout=subprocess.DEVNULL)


def measure(program, flags):
    command = command_with_own_libraries(builds.RELEASE.directory / program)
    process = subprocess.Popen(
        [*map(str, command), '--node-name=n1', f'--devices=simulated:{DIRECTORY / "devices.json"}', *flags],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        lines = iter(process.stdout.readline, '')
        address = next(found for line in lines if (found := re.search(r'(127\.0\.0\.1:\d+)', line)))[1]
        time.sleep(1)
        before_use = memory(process)
        use(os.path.basename(program), address)
        spent = cpu_seconds(process)
        time.sleep(IDLE_SECONDS)
        share = (cpu_seconds(process) - spent) / IDLE_SECONDS
        resident, own = memory(process)
    finally:
        process.terminate()
        process.wait()
    return {'program': os.path.basename(program), 'core_ratio': share, 'resident_at_start_bytes': before_use[0],
            'resident_bytes': resident, 'own_bytes': own}


def idle(as_json=False):
    targets = [AGENT[0], DRIVER[0], CSI_CALL]
    for command in builds.build_commands(builds.RELEASE, targets):
        subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    DIRECTORY.mkdir(parents=True)
    (DIRECTORY / 'devices.json').write_text(json.dumps(DEVICES))
    rows = [measure(*one) for one in (AGENT, DRIVER)]
    if as_json:
        json.dump(rows, sys.stdout, indent=1)
        return 0
    cells = [
        (r['program'], f'{r["core_ratio"]:.3%}',
         *(f'{r[k] / (1 << 20):.1f} MiB' for k in ('resident_at_start_bytes', 'resident_bytes', 'own_bytes')))
        for r in rows
    ]
    headings = (f'{IDLE_SECONDS} s idle', 'of a core', 'started', 'resident', 'of its own')
    print('\n'.join(tables.table(headings, cells, right=headings[1:])))
    return 0
