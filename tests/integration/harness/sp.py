# SPDX-License-Identifier: MIT OR Apache-2.0
"""
A client of bpfd in standard-library Python: nng's request/reply protocol (SP) over a unix socket, and as much of protobuf's
encoding as the requests need.
"""
import os
import socket
import struct

from .outcome import SLOWNESS, check

GREETING_REQ = bytes.fromhex("00535000 00300000")
GREETING_REP = bytes.fromhex("00535000 00310000")
LOAD, ATTACH, DETACH, UNLOAD, LIST_PROGRAMS, LIST_LINKS, GET_PROGRAM, GET_LINK, STATUS, VERSION = range(3, 13)
UPDATE, LIST_MAPS, MAP_DUMP, MAP_GET, MAP_SET, MAP_DELETE, MAP_TYPES = 13, 20, 30, 31, 32, 33, 34
ANSWER_ERROR, ANSWER_UNLOAD, ANSWER_LIST_PROGRAMS, ANSWER_LIST_LINKS, ANSWER_STATUS, ANSWER_VERSION = 1, 5, 6, 7, 10, 11


def varint(number):
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number, value):
    """One protobuf field: int as varint, bytes and str with a length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def zigzag(number):
    """How sint32 is written."""
    return number * 2 if number >= 0 else -number * 2 - 1


def fields(data):
    """A message as a list of (number, value)."""
    out, offset = [], 0

    def take():
        nonlocal offset
        number = shift = 0
        while True:
            byte = data[offset]
            offset += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    while offset < len(data):
        key = take()
        if key & 7 == 0:
            out.append((key >> 3, take()))
        else:
            size = take()
            out.append((key >> 3, data[offset:offset + size]))
            offset += size
    return out


def request(operation, body=b"", version=1, request_id=None):
    """A Request; changes get a random request id."""
    message = field(1, version)
    if operation <= UNLOAD or operation in (UPDATE, MAP_SET, MAP_DELETE):
        message += field(2, request_id or os.urandom(16))
    return message + field(operation, body)


class Client:
    def __init__(self, path, timeout_s=10, greet=True):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout_s * SLOWNESS)
        self.socket.connect(str(path))
        self.number = 0
        if greet:
            self.socket.sendall(GREETING_REQ)
            answer = self.receive_bytes(8)
            if answer != GREETING_REP:
                raise ConnectionError(f"not an SP REP endpoint: {answer.hex()}")

    def receive_bytes(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(min(count - len(data), 1 << 20))
            if not part:
                raise ConnectionResetError("the other side closed the connection")
            data += part
        return data

    def send(self, message):
        self.number += 1
        body = struct.pack(">I", 0x80000000 | self.number) + message
        self.socket.sendall(b"\x01" + struct.pack(">Q", len(body)) + body)

    def receive(self):
        kind, size = struct.unpack(">BQ", self.receive_bytes(9))
        body = self.receive_bytes(size)
        if kind != 1 or struct.unpack(">I", body[:4])[0] != 0x80000000 | self.number:
            raise ConnectionError("an answer to something else")
        return body[4:]

    def call(self, operation, body=b"", **options):
        """The answer as (number of the result's field, its fields)."""
        return self.exchange(request(operation, body, **options))

    def exchange(self, message):
        self.send(message)
        number, value = fields(self.receive())[0]
        return number, fields(value)

    def done(self, operation, body):
        """The id in the answer, where it is one program or link."""
        number, answer = self.call(operation, body)
        check(number != ANSWER_ERROR, f"refused: {answer}")
        return value(fields(value(answer, 1)), 1)

    def load(self, data, kind, name, more=b""):
        """Where a test loads many, and is not about bpfctl: without a process for each. `kind` is the type's number."""
        return self.done(LOAD, field(1, data) + field(2, field(1, kind) + field(2, name)) + more)

    def attach(self, program, kind, target):
        return self.done(ATTACH, field(1, program) + field(3, kind) + field(4, target))

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def value(message, number, default=None):
    return next((found for key, found in message if key == number), default)
