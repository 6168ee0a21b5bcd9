# SPDX-License-Identifier: Apache-2.0
"""How a test reaches into an emulated machine: its door (door.cgi) runs scripts, its monitor forwards ports."""

import http.client
import re
import socket


class CommandFailed(AssertionError):
    """A command in the machine ended with another status than 0."""


def run(port, script, seconds, check=True):
    """Output of a bash script in the machine. Raises CommandFailed, with what it wrote."""
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=seconds)
    connection.request('POST', '/cgi-bin/door', body=script.encode())
    response = connection.getresponse()
    body = response.read()
    connection.close()
    status = int(response.headers['X-Exit-Status'])
    split = int(response.headers['X-Out-Bytes'])
    if check and status != 0:
        raise CommandFailed(f"status {status}: {script}\n{body.decode(errors='replace')}")
    return body[:split].decode()


def ask_monitor(path, command):
    """What QEMU's monitor, a socket, says to a command."""
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.settimeout(5)
        monitor.connect(str(path))
        monitor.sendall(f'{command}\n'.encode())
        text = b''
        while text.count(b'(qemu)') < 2:
            chunk = monitor.recv(65536)
            if not chunk:
                raise ConnectionError('the monitor closed')
            text += chunk
    return text.decode()


def forwarded_ports(path):
    """{(the machine's address, its port): this host's port}, as QEMU chose them."""
    rows = re.findall(r'TCP\[HOST_FORWARD\]\s+\d+\s+\S+\s+(\d+)\s+(\S+)\s+(\d+)',
                      ask_monitor(path, 'info usernet'))
    if not rows:
        raise ConnectionError('no port is forwarded yet')
    return {(address, int(inside)): int(outside) for outside, address, inside in rows}
