# SPDX-License-Identifier: MIT OR Apache-2.0
"""Makes bytecode images, good and bad ones, out of bytes: layers, configurations, manifests, indexes."""
import gzip
import hashlib
import io
import json
import platform
import struct
import tarfile

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "ppc64le": "ppc64le", "s390x": "s390x", "riscv64": "riscv64"}
HOST = ARCHITECTURES.get(platform.machine(), platform.machine())
ZSTD_MAGIC = 0xFD2FB528
ZSTD_BLOCK_MAX = 128 << 10


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def to_json(value):
    return json.dumps(value).encode()


def descriptor(media_type, data, **more):
    return {"mediaType": media_type, "digest": digest(data), "size": len(data), **more}


def member(name, data=b"", kind=tarfile.REGTYPE, link=""):
    entry = tarfile.TarInfo(name)
    entry.type, entry.size, entry.linkname = kind, len(data), link
    return entry, data


def tar(*members, form=tarfile.USTAR_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for entry, data in members:
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def gzipped(data):
    return gzip.compress(data, 6, mtime=0)


def zstd_frame(blocks, window_log=17):
    """A frame of blocks (type, bytes, size): 0 raw, 1 one byte `size` times. No compressor is needed for that."""
    out = struct.pack("<IBB", ZSTD_MAGIC, 0, (window_log - 10) << 3)
    for number, (kind, data, size) in enumerate(blocks):
        last = number == len(blocks) - 1
        out += struct.pack("<I", size << 3 | kind << 1 | last)[:3] + data
    return out


def zstd_stored(data, window_log=17):
    parts = [data[at:at + ZSTD_BLOCK_MAX] for at in range(0, len(data), ZSTD_BLOCK_MAX)]
    return zstd_frame([(0, part, len(part)) for part in parts], window_log)


def zstd_bomb(size):
    return zstd_frame([(1, b"\0", ZSTD_BLOCK_MAX)] * (size // ZSTD_BLOCK_MAX))


def gzip_bomb(size):
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=9, mtime=0) as stream:
        for _ in range(size >> 20):
            stream.write(bytes(1 << 20))
    return out.getvalue()


class Image:
    """One image. Every part may be replaced before publish() is called."""

    def __init__(self, data, labels=None, layer=None, layer_type=OCI_LAYER + "+gzip", diff=None, architecture=HOST):
        archive = tar(member("program.o", data)) if layer is None else None
        self.layer = gzipped(archive) if layer is None else layer
        self.layer_type = layer_type
        self.config = to_json({
            "architecture": architecture, "os": "linux", "config": {"Labels": labels or {}},
            "rootfs": {"type": "layers", "diff_ids": [diff or digest(archive if archive is not None else self.layer)]}})
        self.config_type = OCI_CONFIG
        self.manifest_type = OCI_MANIFEST
        self.manifest_body = self.manifest()
        self.index_body = None  # with one, it is what the tag leads to
        self.index_type = OCI_INDEX

    def manifest(self, **more):
        return to_json({"schemaVersion": 2, "mediaType": self.manifest_type,
                        "config": descriptor(self.config_type, self.config),
                        "layers": [descriptor(self.layer_type, self.layer)], **more})

    def index(self, architecture=HOST, **more):
        """Makes an index the root."""
        entry = descriptor(self.manifest_type, self.manifest_body, platform={"os": "linux", "architecture": architecture})
        self.index_body = to_json({"schemaVersion": 2, "mediaType": self.index_type, "manifests": [entry], **more})
        return self

    @property
    def root(self):
        return self.manifest_body if self.index_body is None else self.index_body

    @property
    def root_type(self):
        return self.manifest_type if self.index_body is None else self.index_type

    def publish(self, registry, repository="image", tag="latest"):
        registry.manifests[repository, tag] = registry.manifests[repository, digest(self.root)] = (self.root_type, self.root)
        registry.manifests[repository, digest(self.manifest_body)] = (self.manifest_type, self.manifest_body)
        registry.blobs[digest(self.layer)] = self.layer
        registry.blobs[digest(self.config)] = self.config
        return f"{registry.host}/{repository}:{tag}"
