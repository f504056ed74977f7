"""A client that does by python3-h2 what other clients hardly do. Says "As it should be" if the server answers so."""

import socket
import ssl
import sys
from contextlib import suppress

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import StreamClosedError
from h2.settings import SettingCodes, Settings

scenario, scheme, port, ca_file = sys.argv[1:]


class Answer:
    def __init__(self):
        self.headers = None
        self.trailers = None
        self.body = b""
        self.pieces = 0
        self.is_ended = False


class Client:
    def __init__(self, settings={}):
        plain = socket.create_connection(("127.0.0.1", int(port)))
        plain.settimeout(60)
        if scheme == "https":
            context = ssl.create_default_context(cafile=ca_file)
            context.set_alpn_protocols(["h2"])
            self.socket = context.wrap_socket(plain, server_hostname="localhost")
            assert self.socket.selected_alpn_protocol() == "h2"
        else:
            self.socket = plain
        self.h2 = H2Connection(H2Configuration(header_encoding="utf-8"))
        self.h2.local_settings = Settings(client=True, initial_values=settings)
        self.h2.initiate_connection()
        self.answers = {}

    def ask(self, method, path, headers=[], end_stream=False):
        stream = self.h2.get_next_available_stream_id()
        head = [(":method", method), (":path", path), (":scheme", scheme), (":authority", "localhost")]
        self.h2.send_headers(stream, head + headers, end_stream=end_stream)
        self.answers[stream] = Answer()
        return stream

    def step(self):
        """Sends what there is, and takes what comes."""
        self.socket.sendall(self.h2.data_to_send())
        received = self.socket.recv(65536)
        assert received, "The server has closed the connection"
        for event in self.h2.receive_data(received):
            assert not isinstance(event, (ConnectionTerminated, StreamReset)), event
            answer = self.answers.get(getattr(event, "stream_id", 0))
            if isinstance(event, ResponseReceived):
                answer.headers = dict(event.headers)
            elif isinstance(event, DataReceived):
                answer.body += event.data
                answer.pieces += 1
                length = event.flow_controlled_length
                if length > 0:
                    self.h2.increment_flow_control_window(length)
                    with suppress(StreamClosedError):  # The end has come with it.
                        self.h2.increment_flow_control_window(length, event.stream_id)
            elif isinstance(event, TrailersReceived):
                answer.trailers = dict(event.headers)
            elif isinstance(event, StreamEnded):
                answer.is_ended = True
        self.socket.sendall(self.h2.data_to_send())

    def answer(self, stream):
        while not self.answers[stream].is_ended:
            self.step()
        return self.answers[stream]

    def send(self, stream, data, **options):
        """Sends data as the windows allow."""
        at = 0
        while at < len(data):
            room = min(
                self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, 10_000
            )
            if room == 0:
                self.step()
                continue
            piece = data[at : at + room]
            self.h2.send_data(stream, piece, **options)
            at += len(piece)

    def close(self):
        self.h2.close_connection()
        self.socket.sendall(self.h2.data_to_send())
        self.socket.close()


def window():
    """A window of one byte: each byte comes in a frame of its own."""
    client = Client({SettingCodes.INITIAL_WINDOW_SIZE: 1})
    answer = client.answer(client.ask("GET", "/download?size=300", end_stream=True))
    assert (len(answer.body), answer.pieces >= 300) == (300, True), answer.pieces
    return client


def padding():
    """RFC 9113 6.1: padding counts for the windows, and is no part of the data."""
    client = Client()
    stream = client.ask("POST", "/echo")
    sent = bytes(range(256)) * 1000
    for at in range(0, len(sent), 1000):
        piece = sent[at : at + 1000]
        while client.h2.local_flow_control_window(stream) < len(piece) + 256:
            client.step()
        client.h2.send_data(stream, piece, pad_length=at // 1000 % 256)
    client.h2.send_data(stream, b"", end_stream=True, pad_length=255)
    assert client.answer(stream).body == sent
    return client


def trailers():
    client = Client()
    stream = client.ask("POST", "/trailed")
    client.send(stream, b"x" * 1000)
    client.h2.send_headers(stream, [("x-sent", "at the end")], end_stream=True)
    answer = client.answer(stream)
    assert answer.body == b"1000 bytes", answer.body
    assert answer.trailers["x-seen"] == "at the end", answer.trailers
    return client


def upload():
    """More than the windows have room for."""
    client = Client()
    for _ in range(3):
        stream = client.ask("POST", "/upload", [("content-length", "1000000")])
        client.send(stream, b"x" * 1_000_000)
        client.h2.end_stream(stream)
        answer = client.answer(stream)
        assert (answer.headers[":status"], answer.body) == ("200", b"1000000"), answer.body
    return client


def headers():
    """RFC 9113 6.10: a long head comes in several frames. 8.2.3: so may a cookie."""
    client = Client()
    fields = [("x-long", "long" * 10_000), ("cookie", "a=1"), ("x-other", "ü"), ("cookie", "b=2")]
    body = client.answer(client.ask("GET", "/headers", fields, end_stream=True)).body
    text = body.decode()
    assert '["cookie","a=1; b=2"]' in text, text[-200:]
    assert "long" * 10_000 in text
    assert '["host","localhost"]' in text, text[-200:]
    assert '":' not in text, text[-200:]
    return client


def table():
    """RFC 7541 4.2: the encoder of the server keeps to the size of the table, whenever that changes."""
    client = Client({SettingCodes.HEADER_TABLE_SIZE: 0})
    for size in [0, 4096, 100, 65536, 0]:
        client.h2.update_settings({SettingCodes.HEADER_TABLE_SIZE: size})
        for _ in range(3):
            stream = client.ask("GET", "/hinted", end_stream=True)
            assert client.answer(stream).body == b"hinted"
    return client


def interleaved():
    """Two uploads, piece by piece in turn, with a third request in the middle."""
    client = Client()
    one, two = client.ask("POST", "/echo"), client.ask("POST", "/echo")
    for n in range(100):
        client.send(one, b"1" * 1000)
        client.send(two, b"2" * 1500)
        if n == 50:
            between = client.answer(client.ask("GET", "/", end_stream=True))
            assert between.body == b"Hello!", between.body
    client.h2.end_stream(one)
    client.h2.end_stream(two)
    assert client.answer(one).body == b"1" * 100_000
    assert client.answer(two).body == b"2" * 150_000
    return client


SCENARIOS = [window, padding, trailers, upload, headers, table, interleaved]
next(fn for fn in SCENARIOS if fn.__name__ == scenario)().close()
print("As it should be")
