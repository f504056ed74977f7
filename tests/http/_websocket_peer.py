"""One end of a WebSocket by python3-websockets: `server OPTIONS`, or `client BASE QUERY SIZE OPTIONS`. OPTIONS
are the parameters of the compression in JSON."""

import asyncio
import json
import signal
import sys

import websockets
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)

role, *given, options = sys.argv[1:]
options = json.loads(options)

# What the last connections ended with.
ends = asyncio.Queue()


def settings(factory):
    extensions = [] if options is None else [factory(**options)]
    return {"extensions": extensions, "compression": None, "max_size": None}


def pieces(message):
    """Of a text too: a character for each, at first."""
    yield message[:1]
    yield message[1:1]
    for start in range(1, len(message), 100_000):
        yield message[start : start + 100_000]


async def serve(socket, path):
    path = path.split("?")[0]
    if path == "/close":
        return await socket.close(4001, "Grüße")
    if path == "/ping":
        await (await socket.ping(b"abc"))
        await socket.send("answered")
    elif path == "/last":
        await socket.send(json.dumps(await ends.get()))
    elif path == "/vanish":
        return socket.transport.abort()
    try:
        async for message in socket:
            is_whole = path == "/echo" or len(message) == 0
            await socket.send(message if is_whole else pieces(message))
    except ConnectionClosed:
        pass
    if path == "/echo":
        ends.put_nowait([socket.close_code, socket.close_reason])


async def server():
    given = settings(ServerPerMessageDeflateFactory)
    protocols = ["b", "c"]
    async with websockets.serve(serve, "127.0.0.1", 0, subprotocols=protocols, **given) as server:
        print(f":{server.sockets[0].getsockname()[1]} ", flush=True)
        over = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
        await over.wait()


def messages_of(size):
    text = "All work and no play makes Jack a dull boy.\n" * 250
    large = bytes((i * 31 + (i >> 8)) & 255 for i in range(size))
    small = [b"", bytes([0, 127, 128, 255])]
    return ["Hello!", "", "Grüße, 世界 😀", "x" * size, text, text, text, *small, large, large]


async def client(base, query, size):
    messages = messages_of(int(size))

    def connect(path, **more):
        return websockets.connect(base + path + query, **more, **settings(ClientPerMessageDeflateFactory))

    said = {"different": []}
    for path in ["/echo", "/pieces"]:
        async with connect(path, subprotocols=["a", "b"]) as socket:
            said["protocol"] = socket.subprotocol
            said["isCompressed"] = len(socket.extensions) > 0
            for i, message in enumerate(messages):
                await socket.send(message)
                if await socket.recv() != message:
                    said["different"].append(i)
                if len(message) > 0:
                    await socket.send(pieces(message))
                    if await socket.recv() != message:
                        said["different"].append(i)
            await (await socket.ping(b"abc"))
            await socket.close(3001, "Grüße")
            said["closed"] = [socket.close_code, socket.close_reason]
    async with connect("/close") as socket:
        await socket.wait_closed()
        said["told"] = [socket.close_code, socket.close_reason]
    async with connect("/ping") as socket:
        said["pinged"] = await socket.recv()
    async with connect("/small") as socket:
        await socket.send("x" * 2000)
        await socket.wait_closed()
        said["tooBig"] = socket.close_code
    print(json.dumps(said))


asyncio.run(server() if role == "server" else client(*given))
