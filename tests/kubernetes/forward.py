"""Forwards TCP connections: `forward.py LISTENING TARGET PORT…`, from each port of one address to the same of another.

The embedded servers listen on loopback only, and Kafka tells its clients so. This program runs beside them, on the
bridge's address that only this machine and its pods reach, and again in each pod, on its loopback.
"""

import asyncio
import contextlib
import sys


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError), contextlib.closing(writer):
        while block := await reader.read(1 << 16):
            writer.write(block)
            await writer.drain()


async def main(listening: str, target: str, *ports: str) -> None:
    async def serve(port: int) -> None:
        async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.closing(writer), contextlib.suppress(OSError):
                there, answer = await asyncio.open_connection(target, port)
                await asyncio.gather(copy(reader, answer), copy(there, writer))

        server = await asyncio.start_server(forward, listening, port)
        await server.serve_forever()

    await asyncio.gather(*(serve(int(port)) for port in ports))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
