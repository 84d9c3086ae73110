# SPDX-License-Identifier: MIT OR Apache-2.0
"""veth pairs, and real frames over them."""
import contextlib
import os
import pathlib
import socket
import struct
import subprocess
import time

from . import isolate
from .interface import IFF_NOARP, IFF_UP, interface_set
from .outcome import SLOWNESS

ETH_P_TEST = 0x88B5  # IEEE's local experimental ethertype: nothing else on the wire uses it
ETH_P_MARK = 0x88B6  # IEEE's second one: no program of the tests does anything with its frames
ETH_P_IP = 0x0800
TAGS_MAX = 32


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


@contextlib.contextmanager
def one_processor():
    """What is sent in here keeps its order: each processor has a queue of its own."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def internet_checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Namespace:
    """A network namespace with a name, as `ip netns add` makes it."""

    def __init__(self, name):
        self.name, self.path = name, f"/run/netns/{name}"
        ip("netns", "add", name)

    @contextlib.contextmanager
    def entered(self):
        """What is opened in here is opened in there."""
        home, there = os.open("/proc/thread-self/ns/net", os.O_RDONLY), os.open(self.path, os.O_RDONLY)
        try:
            isolate.libc_check(isolate.libc.setns(there, isolate.CLONE_NEWNET), f"setns {self.path}")
            yield self
        finally:
            isolate.libc_check(isolate.libc.setns(home, isolate.CLONE_NEWNET), "setns back")
            os.close(there)
            os.close(home)

    def number(self):
        return os.stat(self.path).st_ino

    def remove(self):
        ip("netns", "del", self.name)


class Wire:
    """A veth pair: programs go on `name`, in `netns` if there is one; frames are sent into `peer` and arrive at `name`."""

    def __init__(self, name, mtu=None, netns=None, index=None, peer=None):
        self.name, self.peer, self.netns = name, peer or name + "p", netns
        ip("link", "add", self.name, *(("netns", netns.name) if netns else ()), *(("index", str(index)) if index else ()),
           "type", "veth", "peer", "name", self.peer)
        self.end_up(self.peer, mtu)
        with self.there():
            self.end_up(self.name, mtu)
            self.index = socket.if_nametoindex(self.name)
        self.sender = self.socket(self.peer, 0)
        self.receivers = {}

    def there(self):
        return self.netns.entered() if self.netns else contextlib.nullcontext()

    @staticmethod
    def end_up(end, mtu):
        pathlib.Path(f"/proc/sys/net/ipv6/conf/{end}/disable_ipv6").write_text("1", encoding="ascii")
        interface_set(end, IFF_UP | IFF_NOARP, mtu)

    @staticmethod
    def socket(interface, protocol):
        packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol))
        packets.bind((interface, protocol))
        packets.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        return packets

    def listen(self, protocol=ETH_P_TEST):
        """From now on what arrives with this ethertype is kept for receive()."""
        if protocol not in self.receivers:
            with self.there():
                self.receivers[protocol] = self.socket(self.name, protocol)

    def header(self, protocol):
        return b"\xff" * 6 + b"\x02\x00\x00\x00\x00\x01" + struct.pack(">H", protocol)

    def send_test(self, number=0, size=64):
        """A frame that programs of tests/bpf/sequence.bpf.c write their tags into; `number` comes back in receive()."""
        body = struct.pack("=BI", 0, number) + bytes(TAGS_MAX)
        frame = self.header(ETH_P_TEST) + body
        self.sender.send(frame + bytes(max(0, size - len(frame))))

    def send_udp(self, port, size=100):
        udp = struct.pack(">HHHH", 40000, port, 8 + size, 0) + bytes(size)
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes([10, 0, 0, 2]),
                           bytes([10, 0, 0, 1]))
        head = head[:10] + struct.pack(">H", internet_checksum(head)) + head[12:]
        self.sender.send(self.header(ETH_P_IP) + head + udp)

    def receive(self, protocol=ETH_P_TEST, quiet_s=0.15):
        """Frames that arrived, until none came for a while."""
        packets, frames = self.receivers[protocol], []
        packets.settimeout(quiet_s * SLOWNESS)
        while True:
            try:
                frames.append(packets.recv(65535))
            except TimeoutError:
                return frames

    def trace(self):
        """
        Sends one test frame; the tags of the programs it passed, in order, or None if it was not delivered: a frame that follows it
        and that no program takes has arrived without it, or, where that one is taken, too, nothing came for a while.
        """
        self.listen()
        self.drain()
        with one_processor():
            self.send_test()
        frames = self.rest()
        return frame_tags(frames[0]) if frames else None

    def rest(self):
        """What arrives of the test frames that were sent on one_processor()."""
        with one_processor():
            marked = self.mark_comes()
        return self.drain() if marked else self.receive()

    def mark_comes(self, quiet_s=0.15):
        """Sends a frame that no program takes: when it has arrived, what was sent before it on the same processor is there, or lost."""
        self.listen(ETH_P_MARK)
        self.drain(ETH_P_MARK)
        packets = self.receivers[ETH_P_MARK]
        packets.settimeout(quiet_s * SLOWNESS)
        self.sender.send((self.header(ETH_P_MARK)).ljust(64, b"\0"))
        try:
            return bool(packets.recv(65535))
        except TimeoutError:
            return False

    def drain(self, protocol=ETH_P_TEST):
        """Frames that are there."""
        packets, frames = self.receivers[protocol], []
        packets.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                frames.append(packets.recv(65535))
        return frames

    def remove(self):
        self.close()
        with self.there():
            ip("link", "del", self.name)

    def close(self):
        """Its sockets: one in a namespace keeps it."""
        for packets in (self.sender, *self.receivers.values()):
            packets.close()
        self.receivers = {}


def frame_tags(frame):
    count = frame[14]
    return list(frame[19:19 + count])


def frame_number(frame):
    return struct.unpack("=I", frame[15:19])[0]


def send_paced(wire, count, first=0, interval_s=0.0005):
    """Slowly enough for a veth's ring of 256 frames."""
    for number in range(first, first + count):
        wire.send_test(number)
        time.sleep(interval_s * SLOWNESS)
