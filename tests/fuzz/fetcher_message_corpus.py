#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""fetcher_message_corpus.py DIRECTORY: writes the seeds of fetcher_message_fuzz: what a fetcher says when all is well, to each job, and
when it is not. The structures are those of proto/channel_fetcher.h and proto/image_records.h."""
import pathlib
import struct
import sys

PULL, VERIFY, LIST, INSPECT, REMOVE = range(5)


def message(kind, body):
    body = body.rstrip(b"\0")  # as channels send them
    return struct.pack("<BH", kind, len(body)) + body


def image(reference):
    head = reference.ljust(512, b"\0") + b"".join(bytes([value]) * 32 for value in (0xd1, 0xd2, 0xd3, 0xd4))
    numbers = struct.pack("<QQQQIIIIII", 1000, 2000, 1700000000, 1700000001, 1, 1, 1, 1, 0, 0)
    programs = (b"count".ljust(128, b"\0") + b"xdp".ljust(32, b"\0")).ljust(32 * 160, b"\0")
    maps = (b"counters".ljust(64, b"\0") + b"hash".ljust(32, b"\0")).ljust(64 * 96, b"\0")
    return message(4, head + numbers + b"amd64".ljust(32, b"\0") + programs + maps)


def progress(stage):
    return message(3, struct.pack("<IIQQ", stage, 0, 10, 1000))


OBJECT = message(5, bytes([0xd4]) * 32 + struct.pack("<Q", 1000))
FAILED = message(7, struct.pack("<I", 15) + b'registry.example answers "no"\x1b')


def done(count):
    return message(6, struct.pack("<II", count, 0))


ONE = image(b"registry.example/bpf/counter:1")
SEEDS = {
    "pull": (PULL, progress(1) + progress(2) + ONE + done(1)),
    "verify": (VERIFY, progress(3) + ONE + OBJECT + progress(4) + done(1)),
    "list": (LIST, ONE + image(b"registry.example/bpf/other:2") + done(2)),
    "list_empty": (LIST, done(0)),
    "inspect": (INSPECT, ONE + done(1)),
    "remove": (REMOVE, ONE + done(1)),
    "failed": (PULL, progress(1) + FAILED),
}

directory = pathlib.Path(sys.argv[1])
for name, (job, said) in SEEDS.items():
    (directory / name).write_bytes(bytes([job]) + said)
