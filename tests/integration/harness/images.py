# SPDX-License-Identifier: MIT OR Apache-2.0
"""Bytecode images, made and signed by the programs that their users have; and odd ones by hand."""
import gzip
import io
import json
import os
import pathlib
import platform
import shutil
import subprocess
import tarfile

from .outcome import SLOWNESS, Fail, Unavailable
from .registry import INDEX, MANIFEST, Registry, digest_of

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
LAYER = "application/vnd.oci.image.layer.v1.tar"
UNPACKED = {"docker-registry": "registry", "cosign2": "cosign2", "cosign3": "cosign3", "oras": "oras"}
INSTALLED = ("openssl", "skopeo", "buildah", "podman")


def program_path(host, name):
    """Where scripts/image-tools-fetch or scripts/install-deps put it."""
    if name in UNPACKED:
        path = host.source / "build" / "image-tools" / UNPACKED[name] / "usr" / "bin" / name.rstrip("23")
        return path if path.exists() else None
    return shutil.which(name)


def labels(programs, maps=None):
    """The bytecode image specification's, whose values are JSON in a string."""
    return {"io.ebpf.programs": json.dumps(programs), "io.ebpf.maps": json.dumps(maps or {})}


class Workshop:
    """What makes images, on one private host. Where a part of it cannot be had, the test is skipped and says which."""

    def __init__(self, host, *programs):
        if SLOWNESS > 1:
            raise Unavailable("registries and those who sign run on real machines only: this one is emulated")
        self.directory, self.containers = host.scratch / "workshop", 0
        self.programs = {name: program_path(host, name) for name in (*UNPACKED, *INSTALLED)}
        for name in ("docker-registry", "openssl", "skopeo", *programs):
            if not self.programs[name]:
                raise Unavailable(f"no {name} here: scripts/image-tools-fetch and scripts/install-deps get what makes images")
        self.directory.mkdir()
        self.environment = dict(os.environ, HOME=str(self.directory), XDG_RUNTIME_DIR=str(self.directory), COSIGN_PASSWORD="",
                                TUF_ROOT=str(self.directory / "tuf"))

    def run(self, name, *arguments, environment=None, check=True):
        """Its standard output; a failure with what it said otherwise."""
        result = subprocess.run([self.programs[name], *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                cwd=self.directory, env=self.environment | (environment or {}), check=False)
        if check and result.returncode != 0:
            raise Fail(f"{name} {' '.join(map(str, arguments))} ended with {result.returncode}: {result.stderr}")
        return result.stdout if check else result

    def registry(self, directory="registry", /, **options):
        return Registry(self.programs["docker-registry"], self.directory / directory, **options)

    # -- by the programs that people have --


    def store(self):
        """Where buildah and podman keep things: nothing of the machine's own."""
        return "--root", self.directory / "store", "--runroot", self.directory / "store-run", "--storage-driver", "vfs"

    def buildah(self, *arguments):
        return self.run("buildah", *self.store(), *arguments).strip()

    def podman(self, *arguments):
        return self.run("podman", *self.store(), "--cgroup-manager", "cgroupfs", "--events-backend", "none", *arguments).strip()

    def build(self, path, image_labels=None, name="drop.o"):
        """An image of one file by buildah, in its own store; its id."""
        container = self.buildah("from", "scratch")
        self.buildah("copy", container, path, f"/{name}")
        for label, value in (image_labels or {}).items():
            self.buildah("config", "--label", f"{label}={value}", container)
        image = self.buildah("commit", "-q", container)
        self.buildah("rm", container)
        return image

    def push(self, image, reference, *options):
        self.buildah("push", "--tls-verify=false", *options, image, f"docker://{reference}")

    def make(self, registry, repository, path, image_labels=None, tag="1", push=()):
        """Built, pushed: its reference and digest."""
        reference = registry.reference(repository, tag)
        self.push(self.build(path, image_labels), reference, *push)
        return reference, registry.manifest_get(repository, tag)[1]

    def oras_push(self, reference, path, *options):
        """A file as it is, as an artifact."""
        shutil.copy(path, self.directory / pathlib.Path(path).name)
        return self.run("oras", "push", "--plain-http", *options, reference, pathlib.Path(path).name)

    def copy(self, source, destination, *options):
        """By skopeo, from one registry's name to another."""
        self.run("skopeo", "copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false", *options, f"docker://{source}",
                 f"docker://{destination}")

    # -- signatures --

    def key_pair(self, name="cosign"):
        """(private, public)"""
        self.run("cosign2", "generate-key-pair", "--output-key-prefix", name)
        return self.directory / f"{name}.key", self.directory / f"{name}.pub"

    def sign(self, version, key, reference, *options):
        """By cosign 2 (a tag beside the image) or 3 (a bundle), with a key and without a log. The reference has the digest."""
        if version == 2:
            return self.run("cosign2", "sign", "-y", "--tlog-upload=false", "--allow-http-registry", "--key", key, *options, reference)
        config = self.directory / "signing-config.json"
        if not config.exists():
            self.run("cosign3", "signing-config", "create", "--out", config)
        return self.run("cosign3", "sign", "-y", "--signing-config", config, "--allow-http-registry", "--key", key, *options, reference)

    def cosign_verify(self, version, public, reference):
        """What cosign itself says of an image's signatures, by its status."""
        bundle = ("--new-bundle-format",) if version == 3 else ()
        return self.run(f"cosign{version}", "verify", "--insecure-ignore-tlog=true", "--allow-http-registry", *bundle, "--key", public, reference,
                        check=False)


# -- by hand --

def tar_of(files):
    """A tar archive of (name, content)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o644
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def image_put(registry, repository, tag, content, image_labels=None, architecture=ARCHITECTURE, compress=True):
    """An image of one file: the descriptor of its manifest, as an index has it."""
    archive = tar_of([("drop.o", content)])
    layer = registry.blob_put(repository, gzip.compress(archive, mtime=0) if compress else archive)
    config = {"architecture": architecture, "os": "linux", "config": {"Labels": image_labels or {}},
              "rootfs": {"type": "layers", "diff_ids": [digest_of(archive)]}}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": {"mediaType": CONFIG, **registry.blob_put(repository, json.dumps(config).encode())},
                "layers": [{"mediaType": LAYER_GZIP if compress else LAYER, **layer}]}
    data = json.dumps(manifest).encode()
    return {"mediaType": MANIFEST, "size": len(data), "digest": registry.manifest_put(repository, tag, data),
            "platform": {"os": "linux", "architecture": architecture}}


def index_put(registry, repository, tag, manifests):
    """The digest of an index of these descriptors."""
    return registry.manifest_put(repository, tag, {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})


def other_endian(content):
    """An ELF file that says it is of the other byte order: that is all that anyone may look at."""
    return content[:5] + bytes([3 - content[5]]) + content[6:]
