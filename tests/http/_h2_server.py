"""A server by python3-h2 that also does what other servers hardly do: PORT [CERT KEY]. Prints where it listens."""

import asyncio
import gzip
import signal
import ssl
import sys
from contextlib import suppress

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset, WindowUpdated
from h2.exceptions import ProtocolError, StreamClosedError
from h2.settings import SettingCodes
from hyperframe.frame import GoAwayFrame

port, *tls = sys.argv[1:]

TEXT = b"All work and no play makes Jack a dull boy.\n" * 1000
LARGE = bytes((i * 31 + (i >> 8)) & 255 for i in range(3_000_000))
MAX_STREAMS = 5

connections = set()
is_ending = False
# What was refused once: paths with their queries.
refused = set()


class Answer:
    def __init__(self, body=b"", trailers=None, is_whole=True):
        self.body = bytearray(body)
        self.trailers = trailers
        self.is_whole = is_whole


class Connection(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.h2.initiate_connection()
        # Not the initial ones: h2 would want them to be kept before they have been told.
        self.h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: MAX_STREAMS})
        self.answers = {}
        connections.add(self)
        self.flush()

    def connection_lost(self, error):
        connections.discard(self)
        ended_if_over()

    def data_received(self, data):
        try:
            for event in self.h2.receive_data(data):
                self.take(event)
        except ProtocolError as error:
            print(repr(error), file=sys.stderr)
            self.flush()
            return self.transport.close()
        for stream in list(self.answers):
            self.send(stream)
        self.flush()

    def take(self, event):
        stream = getattr(event, "stream_id", 0)
        if isinstance(event, RequestReceived):
            self.answer(stream, dict(event.headers))
        elif isinstance(event, DataReceived):
            self.widen(stream, event.flow_controlled_length)
            if stream in self.answers and not self.answers[stream].is_whole:
                self.answers[stream].body += event.data
        elif isinstance(event, StreamEnded):
            if stream in self.answers:
                self.answers[stream].is_whole = True
        elif isinstance(event, StreamReset):
            self.answers.pop(stream, None)

    def widen(self, stream, length):
        # By hand: h2 forgets some of it when the initial window has shrunk.
        if length > 0:
            self.h2.increment_flow_control_window(length)
            with suppress(StreamClosedError):  # The end has come with it.
                self.h2.increment_flow_control_window(length, stream)

    def answer(self, stream, request):
        h2 = self.h2

        def begin(answer, status="200", headers=[]):
            h2.send_headers(stream, [(":status", status), *headers])
            self.answers[stream] = answer

        def interim(status, headers=[]):
            h2.send_headers(stream, [(":status", status), *headers])

        def echo():
            if "expect" in request:
                interim("100")
            begin(Answer(is_whole=False), headers=[("x-method", request[":method"])])

        url = request.get(":path", "CONNECT")
        path = url.split("?")[0]
        if request[":method"] == "HEAD":
            h2.send_headers(stream, [(":status", "200"), ("content-length", "6")], end_stream=True)
        elif path == "/hello":
            begin(Answer(b"Hello!"))
        elif path == "/large":
            begin(Answer(LARGE), headers=[("content-length", str(len(LARGE)))])
        elif path == "/text":
            begin(Answer(gzip.compress(TEXT)), headers=[("content-encoding", "gzip")])
        elif path == "/empty":
            h2.send_headers(stream, [(":status", "204")], end_stream=True)
        elif path == "/moved":
            begin(Answer(), "307", [("location", "/echo")])
        elif path == "/trailed":
            begin(Answer(b"body", [("x", "y")]))
        elif path == "/hinted":
            interim("103", [("link", "</a>; rel=preload")])
            interim("103", [("link", "</b>; rel=preload")])
            begin(Answer(b"hinted"))
        elif path == "/never":
            pass
        elif path == "/cut":
            begin(Answer(b"part"), headers=[("content-length", "100")])
            self.answers[stream].is_whole = False
            self.send(stream)
            h2.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)
            del self.answers[stream]
        elif path == "/refuses":
            # RFC 9113 8.1: an answer before the end of the request, which is not wanted then.
            h2.send_headers(stream, [(":status", "413")])
            h2.send_data(stream, b"too large", end_stream=True)
            h2.reset_stream(stream, ErrorCodes.NO_ERROR)
        elif path == "/refused" and url not in refused:
            # RFC 9113 8.7: nothing was done.
            refused.add(url)
            h2.reset_stream(stream, ErrorCodes.REFUSED_STREAM)
        elif path == "/away" and url not in refused:
            # RFC 9113 6.8: nothing was done with the streams after the last one.
            refused.add(url)
            self.go_away(stream - 2)
        elif path == "/long":
            # RFC 9113 6.10: a head in several frames.
            begin(Answer(b"long"), headers=[("x-long", "long" * 10_000)])
        elif path == "/narrow":
            # RFC 9113 6.9.2: the client may have sent more than it is allowed now.
            h2.update_settings(
                {SettingCodes.INITIAL_WINDOW_SIZE: 1000, SettingCodes.HEADER_TABLE_SIZE: 0}
            )
            echo()
        elif path in ("/echo", "/both", "/refused", "/away", "CONNECT"):
            echo()
        else:
            begin(Answer(b"none"), "404")

    def send(self, stream):
        """Sends of an answer what the windows allow, with padding that takes a part of them."""
        answer = self.answers[stream]
        padding = stream % 256
        while len(answer.body) > 0:
            window = self.h2.local_flow_control_window(stream)
            room = min(window, self.h2.max_outbound_frame_size) - padding - 1
            if room <= 0:
                return
            self.h2.send_data(stream, bytes(answer.body[:room]), pad_length=padding)
            del answer.body[:room]
        if answer.is_whole:
            if answer.trailers is None:
                self.h2.end_stream(stream)
            else:
                self.h2.send_headers(stream, answer.trailers, end_stream=True)
            del self.answers[stream]

    def flush(self):
        self.transport.write(self.h2.data_to_send())

    def go_away(self, last):
        """By hand, because after that h2 sends nothing more."""
        self.transport.write(GoAwayFrame(0, last_stream_id=last).serialize())


def ended_if_over():
    if is_ending and not connections:
        over.set_result(None)


async def main():
    global over
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        context.set_alpn_protocols(["h2"])
    server = await loop.create_server(
        Connection, "127.0.0.1", int(port), ssl=context, reuse_address=True
    )

    def end():
        global is_ending
        is_ending = True
        server.close()
        for connection in list(connections):
            # The client closes it after the last answer.
            connection.go_away(connection.h2.highest_inbound_stream_id)
        ended_if_over()

    loop.add_signal_handler(signal.SIGTERM, end)
    print(f":{server.sockets[0].getsockname()[1]} ", flush=True)
    await over


asyncio.run(main())
