# SPDX-License-Identifier: MIT OR Apache-2.0
"""Pinned maps, read and written by bpf(2) itself, as any library of a client would."""
import ctypes
import errno
import os
import resource
import struct

SYS_BPF = 321  # x86_64
MAP_LOOKUP_ELEM, MAP_UPDATE_ELEM, OBJ_GET = 1, 2, 7

libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes, 128)
    result = libc.syscall(SYS_BPF, command, buffer, len(buffer))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def make(command, attributes):
    """A program or a map of this process's own; before Linux 5.11 they count as locked memory."""
    try:
        return bpf(command, attributes)
    except PermissionError:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        return bpf(command, attributes)


def object_get(path):
    name = ctypes.create_string_buffer(str(path).encode())
    return bpf(OBJ_GET, struct.pack("=QII", ctypes.addressof(name), 0, 0))


def map_lookup(path, key=0, value_size=8):
    """The value's bytes, or None; keys are 4 bytes, in the machine's order."""
    descriptor = object_get(path)
    key_buffer = ctypes.create_string_buffer(struct.pack("=I", key), 4)
    value = ctypes.create_string_buffer(value_size)
    try:
        bpf(MAP_LOOKUP_ELEM, struct.pack("=IIQQQ", descriptor, 0, ctypes.addressof(key_buffer),
                                         ctypes.addressof(value), 0))
    except OSError as error:
        if error.errno == errno.ENOENT:
            return None
        raise
    finally:
        os.close(descriptor)
    return value.raw


def map_update(path, key, value):
    descriptor = object_get(path)
    key_buffer = ctypes.create_string_buffer(struct.pack("=I", key), 4)
    value_buffer = ctypes.create_string_buffer(value, len(value))
    try:
        bpf(MAP_UPDATE_ELEM, struct.pack("=IIQQQ", descriptor, 0, ctypes.addressof(key_buffer),
                                         ctypes.addressof(value_buffer), 0))
    finally:
        os.close(descriptor)


def map_counter(path, key=0):
    return struct.unpack("=Q", map_lookup(path, key))[0]
