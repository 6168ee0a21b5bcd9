# SPDX-License-Identifier: Apache-2.0
"""An agent with as many long-polls as it takes: threads, memory, idle CPU, and how soon all of them hear of a change.

Devices are simulated. The clients are one Python process, whose time is in the latencies.
"""

import asyncio
import copy
import json
import os
import re
import subprocess
import time

import bench_tools
import builds
import idle_benchmarks
import tables

PROGRAM = 'capacity-agent/pmem-capacity-agent'
DIRECTORY = builds.BUILD / 'bench-agent'
POLLS = (1, 1000)  # Above 1,024 they do not wait: kWaitersMax of capacity-agent/report_store.h.
CHANGES = 10
IDLE_SECONDS = 10
WAIT_SECONDS = 30


def agent():
    """The running process and its port."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    write_devices(0)
    command = [
        builds.RELEASE.directory / PROGRAM, '--node-name=bench', '--listen=127.0.0.1:0',
        f'--devices=simulated:{DIRECTORY / "devices.json"}',
    ]  # fmt: skip
    return bench_tools.listening(command, DIRECTORY)


def write_devices(size_number):
    devices = copy.deepcopy(idle_benchmarks.DEVICES)
    devices['volume_groups'][0]['size_bytes'] += size_number << 30
    fresh = DIRECTORY / 'devices.json.new'
    fresh.write_text(json.dumps(devices))
    os.replace(fresh, DIRECTORY / 'devices.json')


class Client:
    """One connection; poll() returns when the report is another one than the last."""

    async def connect(self, port):
        self.reader, self.writer = await asyncio.open_connection('127.0.0.1', port)
        self.generation = None
        await self.poll()
        return self

    async def poll(self):
        query = '' if self.generation is None else f'?generation={self.generation}&wait={WAIT_SECONDS}s'
        self.writer.write(f'GET /v1/capacity{query} HTTP/1.1\r\nHost: a\r\n\r\n'.encode())
        head = (await self.reader.readuntil(b'\r\n\r\n')).decode()
        length = re.search(r'(?i)content-length: (\d+)', head)
        body = await self.reader.readexactly(int(length[1])) if length else b''
        if ' 200 ' not in head.split('\r\n')[0]:
            raise SystemExit(f'bench: {head.splitlines()[0]}')
        self.generation = json.loads(body)['generation']
        return time.monotonic()


async def measure(count):
    with agent() as (process, port):
        clients = [await Client().connect(port) for _ in range(count)]
        tasks = [asyncio.create_task(client.poll()) for client in clients]
        await asyncio.sleep(2)  # All have arrived.
        used = idle_benchmarks.cpu_seconds(process)
        await asyncio.sleep(IDLE_SECONDS)
        used = idle_benchmarks.cpu_seconds(process) - used
        times = []
        for number in range(1, CHANGES + 1):
            begin = time.monotonic()
            write_devices(number)
            times += [(end - begin) * 1000 for end in await asyncio.gather(*tasks)]
            tasks = [asyncio.create_task(client.poll()) for client in clients]
            await asyncio.sleep(0.3)
        threads, resident = (bench_tools.status_number(process, key) for key in ('Threads', 'VmRSS'))
        for task in tasks:
            task.cancel()
    times.sort()
    return {
        'polls': count, 'threads': threads, 'resident_bytes': resident,
        'idle_cpu_percent': round(used / IDLE_SECONDS * 100, 2), 'p50_ms': round(bench_tools.quantile(times, 0.5), 1),
        'p99_ms': round(bench_tools.quantile(times, 0.99), 1),
    }  # fmt: skip


HEADINGS = ('polls', 'threads', 'MiB', 'idle % of a core', 'change p50 ms', 'p99 ms')


def polls(as_json=False):
    for command in builds.build_commands(builds.RELEASE, [PROGRAM]):
        subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    rows = [asyncio.run(measure(count)) for count in POLLS]
    if as_json:
        return print(json.dumps(rows, indent=1))
    cells = [[v >> 20 if k == 'resident_bytes' else v for k, v in row.items()] for row in rows]
    print('\n'.join(tables.table(HEADINGS, cells, HEADINGS)))
    print(f'change: from the new devices file to the answer of each poll, {CHANGES} times.')
