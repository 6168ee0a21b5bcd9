# SPDX-License-Identifier: Apache-2.0
"""An extender that does nothing: filter gives back the names that it was asked with, prioritize prefers nobody.

What kube-scheduler takes longer with it than without is the price of having any extender at all.
"""

import asyncio
import re

_LENGTH = re.compile(rb'(?i)\r\ncontent-length: *(\d+)')
_NAMES = b'"NodeNames":'  # The last member of ExtenderArgs.


async def _connection(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b'\r\n\r\n')
            body = await reader.readexactly(int(_LENGTH.search(head)[1]))
            answer = b'[]'
            if b'/filter ' in head.split(b'\r\n', 1)[0]:
                answer = b'{' + body[body.rindex(_NAMES) : body.rindex(b']') + 1] + b'}'
            writer.write(
                b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n' % len(answer)
            )
            writer.write(answer)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _serve(port_pipe):
    server = await asyncio.start_server(_connection, '127.0.0.1', 0)
    port_pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def run(port_pipe):
    asyncio.run(_serve(port_pipe))
