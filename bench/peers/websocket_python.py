# As websocket_deno.ts, by websockets of Python, for echo only.
#
#     python3 bench/peers/websocket_python.py
import asyncio
import websockets


async def echo(socket, *_path):
    async for message in socket:
        await socket.send(message)


async def main():
    async with websockets.serve(echo, "127.0.0.1", 0, compression=None, max_size=None) as server:
        print(f"Listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", flush=True)
        await asyncio.Future()


asyncio.run(main())
