# SPDX-License-Identifier: MIT OR Apache-2.0
"""Flags and sizes of network interfaces."""
import fcntl
import socket
import struct

SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCSIFMTU = 0x8913, 0x8914, 0x8922
IFF_UP, IFF_NOARP = 0x1, 0x80


def interface_set(name, flags=0, mtu=None):
    """What `ip link set` does, without a process of its own, which takes long on emulated machines."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as kernel:
        if mtu:
            fcntl.ioctl(kernel, SIOCSIFMTU, struct.pack("16si20x", name.encode(), mtu))
        if flags:
            request = bytearray(struct.pack("16sH22x", name.encode(), 0))
            fcntl.ioctl(kernel, SIOCGIFFLAGS, request)
            old = struct.unpack_from("H", request, 16)[0]
            fcntl.ioctl(kernel, SIOCSIFFLAGS, struct.pack("16sH22x", name.encode(), old | flags))
