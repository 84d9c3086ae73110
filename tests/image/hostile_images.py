# SPDX-License-Identifier: MIT OR Apache-2.0
"""
What a bad registry, or a bad image in a good one, may do: BEHAVIOURS, by name. serve() sets the registry up and returns the
reference; `codes` are the error codes that a pull of it may end with, `says` is in its message.
"""
import json
import struct
import tarfile
import time

from bytecode_image import (HOST, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, Image, descriptor, digest, gzip_bomb, gzipped, member, tar,
                            to_json, zstd_bomb, zstd_frame, zstd_stored)
from hostile_registry import Bearer

INVALID_ARGUMENT, NOT_FOUND, LIMIT, UNSUPPORTED, BAD_OBJECT, TIMEOUT, REGISTRY = 1, 2, 6, 7, 8, 13, 15
ELF_MACHINE = slice(18, 20)
ELF_DATA = 5
EM_X86_64 = 62
MANIFEST, CONFIG, LAYER, ANY = r"GET .*/manifests/", "config", "layer", "."

BEHAVIOURS = {}


class Behaviour:
    def __init__(self, function, codes, says, credentials):
        self.function, self.codes, self.says, self.credentials = function, codes, says, credentials
        self.about = function.__doc__

    def serve(self, registry, data):
        return self.function(registry, data) or f"{registry.host}/image:latest"


def behaviour(*codes, says="", credentials=None):
    """For a function of the registry and a good object's bytes."""
    def take(function):
        BEHAVIOURS[function.__name__] = Behaviour(function, codes, says, credentials)
        return function
    return take


def blob_path(data):
    return r"GET .*/blobs/" + digest(data)


def part_path(image, part):
    return {MANIFEST: MANIFEST, CONFIG: blob_path(image.config), LAYER: blob_path(image.layer)}[part]


# Bytes that are not what their digest says

def altered(data):
    return data[:-1] + bytes([data[-1] ^ 1])


@behaviour(REGISTRY, says="has the digest")
def wrong_digest_of_reference(registry, data):
    "A reference with a digest leads to another manifest, whatever Docker-Content-Digest says."
    image = Image(data)
    image.publish(registry)
    other = Image(data, labels={"a": "b"})
    other.publish(registry, tag="other")
    registry.on(MANIFEST, lambda handler: handler.answer(200, other.root, OCI_MANIFEST,
                                                         [("Docker-Content-Digest", digest(image.root))]))
    return f"{registry.host}/image@{digest(image.root)}"


@behaviour(REGISTRY, says="has the digest")
def wrong_digest_of_child(registry, data):
    image = Image(data).index()
    image.publish(registry)
    registry.manifests["image", digest(image.manifest_body)] = (OCI_MANIFEST, altered(image.manifest_body))


@behaviour(REGISTRY, says="has the digest")
def wrong_digest_of_config(registry, data):
    image = Image(data)
    image.publish(registry)
    registry.blobs[digest(image.config)] = altered(image.config)


@behaviour(REGISTRY, says="has the digest")
def wrong_digest_of_layer(registry, data):
    image = Image(data)
    image.publish(registry)
    registry.blobs[digest(image.layer)] = altered(image.layer)


@behaviour(REGISTRY)
def wrong_diff_of_layer(registry, data):
    "The configuration means another archive."
    Image(data, diff=digest(b"another")).publish(registry)


@behaviour(REGISTRY)
def other_digest_algorithm(registry, data):
    image = Image(data)
    image.manifest_body = image.manifest_body.replace(digest(image.layer).encode(), b"sha512:" + b"a" * 128)
    image.publish(registry)


@behaviour(REGISTRY)
def digest_that_is_a_path(registry, data):
    image = Image(data)
    image.manifest_body = image.manifest_body.replace(digest(image.layer).encode(), b"sha256:../../../../etc/passwd")
    image.publish(registry)


# Bodies that end too early, or never

def truncated(part):
    def function(registry, data):
        image = Image(data)
        image.publish(registry)
        body = {MANIFEST: image.root, CONFIG: image.config, LAYER: image.layer}[part]
        registry.on(part_path(image, part), lambda handler: handler.raw(
            f"HTTP/1.1 200 OK\r\nContent-Type: {OCI_MANIFEST}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[:-10]))
    return function


def endless_answer(status):
    def answer(handler):
        handler.send_response(status)
        handler.send_header("Content-Type", OCI_MANIFEST)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
        while True:
            handler.wfile.write(chunk)
    return answer


def endless(part, status=200):
    def function(registry, data):
        image = Image(data)
        image.publish(registry)
        registry.on(part_path(image, part), endless_answer(status))
    return function


for part_name, part in (("manifest", MANIFEST), ("config", CONFIG), ("layer", LAYER)):
    for kind, make in (("truncated", truncated), ("endless", endless)):
        one = make(part)
        one.__name__ = f"{kind}_{part_name}"
        behaviour(REGISTRY)(one)

endless_refusal = endless(MANIFEST, 500)
endless_refusal.__name__ = "endless_refusal"
behaviour(REGISTRY, says="status 500")(endless_refusal)


@behaviour(REGISTRY)
def endless_token(registry, data):
    Image(data).publish(registry)
    registry.auth = Bearer()
    registry.on("GET /token", endless_answer(200))


@behaviour(REGISTRY)
def endless_child_of_an_index(registry, data):
    image = Image(data).index()
    image.publish(registry)
    registry.on(MANIFEST + digest(image.manifest_body), endless_answer(200))


@behaviour(REGISTRY)
def truncated_chunks(registry, data):
    image = Image(data)
    image.publish(registry)
    registry.on(MANIFEST, lambda handler: handler.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nabc"))


@behaviour(REGISTRY)
def announces_too_much(registry, data):
    image = Image(data)
    image.publish(registry)
    registry.on(MANIFEST, lambda handler: handler.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{"))


@behaviour(REGISTRY)
def layer_longer_than_it_says(registry, data):
    image = Image(data)
    image.manifest_body = to_json({"schemaVersion": 2, "mediaType": OCI_MANIFEST,
                                   "config": descriptor(image.config_type, image.config),
                                   "layers": [{**descriptor(image.layer_type, image.layer), "size": len(image.layer) - 1}]})
    image.publish(registry)


@behaviour(REGISTRY)
def layer_shorter_than_it_says(registry, data):
    image = Image(data)
    image.manifest_body = image.manifest().replace(f'"size": {len(image.layer)}'.encode(),
                                                   f'"size": {len(image.layer) + 1}'.encode())
    image.publish(registry)


# Slowly

def drip(registry, path, head, byte, interval_s=0.05):
    def answer(handler):
        handler.wfile.write(head)
        while True:
            handler.wfile.write(byte)
            time.sleep(interval_s)
    registry.on(path, answer)


@behaviour(TIMEOUT)
def drips_manifest(registry, data):
    Image(data).publish(registry)
    drip(registry, MANIFEST, b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" ")


@behaviour(TIMEOUT)
def drips_layer(registry, data):
    image = Image(data)
    image.publish(registry)
    drip(registry, blob_path(image.layer), f"HTTP/1.1 200 OK\r\nContent-Length: {len(image.layer)}\r\n\r\n".encode(), b"\x1f")


@behaviour(TIMEOUT)
def drips_fields(registry, data):
    Image(data).publish(registry)
    drip(registry, MANIFEST, b"HTTP/1.1 200 OK\r\nX: ", b"a")


@behaviour(TIMEOUT)
def slow_for_ever(registry, data):
    "Fast enough never to be next to nothing; the whole job has its time too."
    Image(data).publish(registry)
    drip(registry, MANIFEST, b"HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n", b" " * 512)


@behaviour(TIMEOUT)
def silent(registry, data):
    Image(data).publish(registry)
    registry.on(MANIFEST, lambda handler: time.sleep(3600))


@behaviour(TIMEOUT)
def deaf(registry, data):
    "Not even a handshake gets an answer."
    Image(data).publish(registry)
    registry.deaf = True


@behaviour(TIMEOUT)
def drips_token(registry, data):
    Image(data).publish(registry)
    registry.auth = Bearer()
    drip(registry, "GET /token", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b" ")


# Bombs

@behaviour(LIMIT, says="large")
def gzip_bomb_of_a_gigabyte(registry, data):
    del data
    Image(b"", layer=gzip_bomb(1 << 30)).publish(registry)


@behaviour(LIMIT, says="large")
def zstd_bomb_of_a_gigabyte(registry, data):
    del data
    Image(b"", layer=zstd_bomb(1 << 30), layer_type=OCI_LAYER + "+zstd").publish(registry)


@behaviour(LIMIT, BAD_OBJECT)
def zstd_window_of_two_gigabytes(registry, data):
    Image(b"", layer=zstd_frame([(0, data, len(data))], window_log=31), layer_type=OCI_LAYER + "+zstd").publish(registry)


@behaviour(BAD_OBJECT, LIMIT)
def gzip_in_gzip(registry, data):
    Image(b"", layer=gzipped(gzipped(tar(member("a.o", data))))).publish(registry)


@behaviour(BAD_OBJECT, LIMIT)
def sparse_file_of_a_terabyte(registry, data):
    del data
    entry = bytearray(tar(member("a.o", b""))[:512])
    entry[124:136] = b"\x80\0\0\0" + struct.pack(">Q", 1 << 40)
    entry[148:156] = b" " * 8
    entry[148:156] = f"{sum(entry):06o}\0 ".encode()
    Image(b"", layer=gzipped(bytes(entry))).publish(registry)


def headers_that_cost(attributes, packed_by):
    def function(registry, data):
        entry, data = member("a.o", data)
        entry.pax_headers = attributes
        Image(b"", layer=packed_by(tar((entry, data), form=tarfile.PAX_FORMAT))).publish(registry)
    return function


def zstd_of_most_memory(data):
    "A layer whose unpacking takes as much memory as any may."
    return zstd_stored(data + bytes(8 << 20), window_log=23)


for name, code, says, attributes in (
        ("map_of_holes", BAD_OBJECT, "a sparse file", {"GNU.sparse.map": ",".join(["0,0"] * 15000), "GNU.sparse.size": "5"}),
        ("long_map_of_holes", LIMIT, "64 KiB", {"GNU.sparse.map": ",".join(["0,0"] * 250000), "GNU.sparse.size": "5"}),
        ("many_attributes", LIMIT, "64 KiB", {f"SCHILY.xattr.{number}": "" for number in range(30000)}),
        ("long_list_of_access", LIMIT, "64 KiB", {"SCHILY.acl.access": "user:a:rwx," * 80000})):
    one = headers_that_cost(attributes, gzipped)
    one.__name__ = f"layer_with_{name}"
    behaviour(code, says=says)(one)
    one = headers_that_cost(attributes, zstd_of_most_memory)
    one.__name__ = f"layer_of_most_memory_with_{name}"
    behaviour(LIMIT, says="memory")(one)


@behaviour(LIMIT, BAD_OBJECT)
def object_of_17_mebibytes(registry, data):
    Image(data + bytes((17 << 20) - len(data))).publish(registry)


# Elsewhere

def redirect(registry, data, location, status=307):
    image = Image(data)
    image.publish(registry)
    registry.on(blob_path(image.layer), lambda handler: handler.answer(status, fields=[("Location", location)]))


for name, location in (("http_host", "http://192.0.2.1/x"), ("file", "file:///etc/passwd"), ("ftp", "ftp://127.0.0.1/x"),
                       ("gopher", "gopher://127.0.0.1/x"), ("user", "https://user:secret@127.0.0.1/x"), ("nothing", "http://"),
                       ("control", "http://127.0.0.1/\x01"), ("scheme", "//\\"), ("metadata", "http://169.254.169.254/latest/meta-data")):
    def to_elsewhere(registry, data, location=location):
        redirect(registry, data, location)
    to_elsewhere.__name__ = f"redirects_to_{name}"
    behaviour(REGISTRY)(to_elsewhere)


@behaviour(REGISTRY, says="more than 3 times")
def redirects_for_ever(registry, data):
    image = Image(data)
    image.publish(registry)
    redirect(registry, data, f"/v2/image/blobs/{digest(image.layer)}")


def redirected(pattern):
    def function(registry, data):
        Image(data).publish(registry)
        registry.auth = Bearer() if "token" in pattern else None
        registry.on(pattern, lambda handler: handler.answer(302, fields=[("Location", "http://192.0.2.1/x")]))
    return function


for name, pattern in (("manifest", MANIFEST), ("config_and_layer", "GET .*/blobs/"), ("token", "GET /token")):
    one = redirected(pattern)
    one.__name__ = f"{name}_redirected_to_http_host"
    behaviour(REGISTRY)(one)


@behaviour(REGISTRY, says="another's host", credentials=("user", "secret"))
def token_realm_elsewhere(registry, data):
    Image(data).publish(registry)
    registry.auth = Bearer("user", "secret", realm="https://collector.example/token")


@behaviour(REGISTRY, says="plain http")
def token_realm_by_http(registry, data):
    Image(data).publish(registry)
    registry.auth = Bearer(realm="http://192.0.2.1/token")


@behaviour(REGISTRY)
def token_realm_that_is_a_file(registry, data):
    Image(data).publish(registry)
    registry.auth = Bearer(realm="file:///etc/passwd")


def token_answer(body, status=200):
    def function(registry, data):
        Image(data).publish(registry)
        registry.auth = Bearer()
        registry.on("GET /token", lambda handler: handler.answer(status, body, "application/json"))
    return function


for name, body in (("with_line_end", b'{"token": "a\\r\\nX-Evil: 1"}'), ("that_is_no_text", b'{"token": 5}'), ("that_is_none", b"{}"),
                   ("that_is_no_json", b"letmein"), ("too_long", to_json({"token": "a" * 20000})), ("empty", b'{"token": ""}')):
    one = token_answer(body)
    one.__name__ = f"token_{name}"
    behaviour(REGISTRY)(one)


@behaviour(REGISTRY)
def token_never_good(registry, data):
    Image(data).publish(registry)
    registry.auth = Bearer(name="access_token")
    registry.auth.accepts = lambda handler: False


@behaviour(REGISTRY)
def challenge_that_is_none(registry, data):
    Image(data).publish(registry)
    registry.on(MANIFEST, lambda handler: handler.refuse(401, "X", fields=[("WWW-Authenticate", 'Bearer realm="unfinished')]))


# HTTP that is none

for name, data_sent in (
        ("garbage", b"\0\xff\x16garbage\r\n\r\n"), ("nothing", b""), ("status_only", b"HTTP/1.1 200\r\n\r\n"),
        ("http_0_9", b"{}"), ("bad_length", b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}"),
        ("two_lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
        ("bad_chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}"),
        ("nul_in_field", b"HTTP/1.1 200 OK\r\nContent-Type: a\0b\r\nContent-Length: 2\r\n\r\n{}"),
        ("two_content_types", b"HTTP/1.1 200 OK\r\nContent-Type: a\r\nContent-Type: b\r\nContent-Length: 2\r\n\r\n{}"),
        ("many_fields", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100000 + b"Content-Length: 2\r\n\r\n{}"),
        ("long_field", b"HTTP/1.1 200 OK\r\nX: " + b"y" * (8 << 20) + b"\r\nContent-Length: 2\r\n\r\n{}"),
        ("many_continues", b"HTTP/1.1 100 Continue\r\n\r\n" * 100000 + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
        ("gzip_encoding", b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0")):
    def sends(registry, data, data_sent=data_sent):
        Image(data).publish(registry)
        registry.on(MANIFEST, lambda handler: handler.raw(data_sent))
    sends.__name__ = f"sends_{name}"
    behaviour(REGISTRY)(sends)


for status in (500, 503, 429, 418, 204, 206, 304):
    def answers(registry, data, status=status):
        Image(data).publish(registry)
        registry.on(MANIFEST, lambda handler: handler.refuse(status, "BROKEN", "out of\n\x1b[31morder"))
    answers.__name__ = f"answers_{status}"
    behaviour(REGISTRY)(answers)


# Documents

def manifest_of(body, content_type=OCI_MANIFEST):
    def function(registry, data):
        image = Image(data)
        image.publish(registry)
        text = body(image) if callable(body) else body
        registry.manifests["image", "latest"] = (content_type, text)
    return function


DOCUMENTS = {
    "duplicate_keys": lambda image: image.manifest_body[:-1] + b', "layers": []}',
    "deep_json": b'{"a":' * 100000 + b"1" + b"}" * 100000,
    "many_tokens": b'{"a":[' + b"[]," * 1000000 + b"[]]}",
    "many_keys": to_json({str(number): 0 for number in range(300000)}),
    "long_text": to_json({"a": "x" * 4000000}),
    "empty_document": b"",
    "no_json": b"<html>",
    "array_document": b"[]",
    "bad_utf8": b'{"mediaType": "\xff\xfe"}',
    "bytes_behind": lambda image: image.manifest_body + b"{}",
    "no_layer": lambda image: to_json({**json.loads(image.manifest_body), "layers": []}),
    "two_layers": lambda image: to_json({**json.loads(image.manifest_body), "layers": json.loads(image.manifest_body)["layers"] * 2}),
    "many_layers": lambda image: to_json({**json.loads(image.manifest_body),
                                          "layers": json.loads(image.manifest_body)["layers"] * 1000}),
    "negative_size": lambda image: image.manifest_body.replace(b'"size": ', b'"size": -'),
    "huge_size": lambda image: image.manifest_body.replace(b'"size": ', b'"size": 9999999'),
    "overflowing_size": lambda image: image.manifest_body.replace(b'"size": ', b'"size": 99999999999999999999'),
    "schema_1": to_json({"schemaVersion": 1, "name": "image", "fsLayers": []}),
    "both_kinds": lambda image: to_json({**json.loads(image.manifest_body), "manifests": []}),
    "index_of_nothing": to_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}),
}
for name, body in DOCUMENTS.items():
    one = manifest_of(body, OCI_INDEX if name == "index_of_nothing" else OCI_MANIFEST)
    one.__name__ = f"manifest_with_{name}"
    behaviour(REGISTRY, LIMIT, UNSUPPORTED)(one)

wrong_content_type = manifest_of(lambda image: image.manifest_body, OCI_INDEX)
wrong_content_type.__name__ = "wrong_content_type"
behaviour(REGISTRY)(wrong_content_type)


@behaviour(REGISTRY, UNSUPPORTED)
def index_of_itself(registry, data):
    "As far as it goes: an index that names an index."
    inner = Image(data).index()
    inner.publish(registry)
    outer = to_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
        descriptor(OCI_INDEX, inner.root, platform={"os": "linux", "architecture": HOST})]})
    registry.manifests["image", "latest"] = (OCI_INDEX, outer)


@behaviour(UNSUPPORTED, says="s390x")
def index_for_other_machines(registry, data):
    Image(data).index("s390x").publish(registry)


@behaviour(REGISTRY)
def config_with_duplicate_keys(registry, data):
    image = Image(data)
    image.config = image.config[:-1] + b', "config": {}}'
    image.manifest_body = image.manifest()
    image.publish(registry)


# Layers

def layer_of(*members):
    def function(registry, data):
        made = [member(name, data if kind == tarfile.REGTYPE else b"", kind, link) for name, kind, link in members]
        Image(b"", layer=gzipped(tar(*made))).publish(registry)
    return function


LAYERS = {
    "path_traversal": [("../../etc/cron.d/evil.o", tarfile.REGTYPE, "")],
    "absolute_path": [("/etc/cron.d/evil.o", tarfile.REGTYPE, "")],
    "symbolic_link": [("a.o", tarfile.SYMTYPE, "/etc/shadow")],
    "link_beside": [("a.o", tarfile.REGTYPE, ""), ("b.o", tarfile.SYMTYPE, "/etc/shadow")],
    "hard_link": [("a.o", tarfile.LNKTYPE, "/etc/shadow")],
    "character_device": [("a.o", tarfile.CHRTYPE, "")],
    "block_device": [("a.o", tarfile.BLKTYPE, "")],
    "fifo": [("a.o", tarfile.FIFOTYPE, "")],
    "two_files": [("a.o", tarfile.REGTYPE, ""), ("b.o", tarfile.REGTYPE, "")],
    "no_file": [("a", tarfile.DIRTYPE, "")],
    "nothing": [],
    "whiteout": [(".wh.a.o", tarfile.REGTYPE, "")],
    "same_name_twice": [("a.o", tarfile.REGTYPE, ""), ("a.o", tarfile.REGTYPE, "")],
}
for name, members in LAYERS.items():
    one = layer_of(*members)
    one.__name__ = f"layer_with_{name}"
    behaviour(BAD_OBJECT)(one)

for name, change in (("for_another_machine", lambda data: data[:18] + struct.pack("<H", EM_X86_64) + data[20:]),
                     ("of_the_other_byte_order", lambda data: data[:ELF_DATA] + bytes([3 - data[ELF_DATA]]) + data[ELF_DATA + 1:]),
                     ("that_is_cut", lambda data: data[:100]), ("that_is_none", lambda data: b"#!/bin/sh\n"),
                     ("that_is_empty", lambda data: b"")):
    def with_object(registry, data, change=change):
        Image(change(data)).publish(registry)
    with_object.__name__ = f"object_{name}"
    behaviour(BAD_OBJECT)(with_object)


@behaviour(BAD_OBJECT)
def layer_of_garbage(registry, data):
    del data
    Image(b"", layer=b"\x1f\x8b garbage").publish(registry)


@behaviour(NOT_FOUND, says="has no")
def not_there(registry, data):
    Image(data).publish(registry, tag="other")


@behaviour(NOT_FOUND, says="has no")
def layer_not_there(registry, data):
    image = Image(data)
    image.publish(registry)
    del registry.blobs[digest(image.layer)]
