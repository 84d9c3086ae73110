# SPDX-License-Identifier: MIT OR Apache-2.0
"""Images that bpfctl makes, read and pulled by the programs that people have."""
import json
import pathlib
import subprocess

from harness.host import test
from harness.image_client import Images, object_digest, settings
from harness.images import ARCHITECTURE, Workshop
from harness.outcome import check, check_equal, check_in

NEEDS = ("no kernel",)
OTHER = "s390x"
EPOCH = {"SOURCE_DATE_EPOCH": "1700000000"}


def build(daemon, reference, *objects, push=True, environment=None):
    result = daemon.bpfctl("image", "build", "-t", reference, *objects, *(("--push",) if push else ()), environment=environment or EPOCH)
    check_equal(result.returncode, 0, f"bpfctl image build ({result.stderr})")
    return result.stdout


def big_endian(host):
    """An object for machines of the other byte order than most."""
    source, out = host.scratch / "other.c", host.scratch / "other.bpf.o"
    source.write_text('__attribute__((section("xdp"))) int xdp_other(void *context) { return 2; }\n', encoding="ascii")
    subprocess.run(["clang", "-O2", "-target", "bpfeb", "-c", "-o", out, source], check=True)
    return out


@test()
def read_by_others(host):
    workshop = Workshop(host, "buildah", "podman")
    daemon, registry = host.bpfd(**settings()), workshop.registry()
    reference, path = registry.reference("bpf/built"), daemon.object("xdp_counter")
    build(daemon, reference, path)
    seen = json.loads(workshop.run("skopeo", "inspect", "--tls-verify=false", f"docker://{reference}"))
    check_equal((seen["Os"], seen["Architecture"], len(seen["Layers"])), ("linux", ARCHITECTURE, 1), "what skopeo reads")
    check_equal(json.loads(seen["Labels"]["io.ebpf.programs"]), {"xdp_counter": "xdp"}, "programs, by their label")
    check(len(json.loads(seen["Labels"]["io.ebpf.maps"])) >= 1, f"no maps in {seen['Labels']}")
    check(workshop.podman("pull", "-q", "--tls-verify=false", reference), "podman names no image")
    container = workshop.buildah("from", "--tls-verify=false", reference)
    files = [found for found in pathlib.Path(workshop.buildah("mount", container)).rglob("*") if found.is_file()]
    check_equal([object_digest(found) for found in files], [object_digest(path)], "what is in the image")
    images = Images(daemon)
    daemon.unload(images.load(reference)[0]["id"])
    check_equal(images.inspect(reference)["digest"], seen["Digest"], "the digest")


@test()
def reproducible(host):
    """The same bytes of the same object, another time and elsewhere; other bytes of another date."""
    workshop = Workshop(host)
    daemon, registry = host.bpfd(**settings()), workshop.registry()
    path = daemon.object("xdp_counter")
    moved = host.scratch / "elsewhere" / path.name
    moved.parent.mkdir()
    moved.write_bytes(path.read_bytes())
    moved.chmod(0o600)
    for tag, source, environment in (("1", path, EPOCH), ("2", moved, EPOCH), ("3", path, {"SOURCE_DATE_EPOCH": "1600000000"})):
        build(daemon, registry.reference("bpf/built", tag), source, environment=environment)
    first, second, third = (registry.manifest_get("bpf/built", tag)[1] for tag in "123")
    check_equal(second, first, "the digest of a second build")
    check(third != first, "the date that was given changes nothing")


@test()
def several_architectures(host):
    workshop = Workshop(host, "podman")
    daemon, registry = host.bpfd(**settings()), workshop.registry()
    path = daemon.object("xdp_counter")
    reference = registry.reference("bpf/many")
    build(daemon, reference, f"{ARCHITECTURE}={path}", f"{OTHER}={big_endian(host)}")
    index = json.loads(registry.manifest_get("bpf/many", "1")[0])
    check_equal({row["platform"]["architecture"] for row in index["manifests"]}, {ARCHITECTURE, OTHER}, "the index")
    for architecture in (ARCHITECTURE, OTHER):
        seen = json.loads(workshop.run("skopeo", "--override-arch", architecture, "inspect", "--tls-verify=false", f"docker://{reference}"))
        check_equal(seen["Architecture"], architecture, "what skopeo picks")
    workshop.podman("pull", "-q", "--tls-verify=false", reference)
    pulled = Images(daemon).pull(reference)
    check_equal((pulled["architecture"], pulled["object_digest"]), (ARCHITECTURE, object_digest(path)), "what bpfd picks")


@test()
def signed_by_cosign(host):
    """What is built and pushed has a digest that cosign signs, and copies take along."""
    workshop = Workshop(host, "cosign2", "cosign3")
    daemon, registry = host.bpfd(**settings()), workshop.registry()
    build(daemon, registry.reference("bpf/built"), daemon.object("xdp_counter"))
    digest = registry.manifest_get("bpf/built", "1")[1]
    key, public = workshop.key_pair()
    for version in (2, 3):
        workshop.sign(version, key, registry.reference("bpf/built", digest))
    check_in(digest, workshop.cosign_verify(2, public, registry.reference("bpf/built", digest)).stdout, "what cosign verifies")
    check_equal(Images(daemon).pull(registry.reference("bpf/built"))["digest"], digest, "what bpfd pulls")


@test()
def built_with_buildah(host):
    """The arguments that bpfctl makes, and the Containerfile of the project."""
    workshop = Workshop(host, "buildah")
    daemon = host.bpfd(**settings())
    result = daemon.bpfctl("image", "generate-build-args", daemon.object("xdp_counter"))
    check_equal(result.returncode, 0, f"generate-build-args ({result.stderr})")
    arguments = dict(line.split("=", 1) for line in result.stdout.splitlines() if "=" in line)
    check_equal(json.loads(arguments["PROGRAMS"]), {"xdp_counter": "xdp"}, "programs")
    context = host.scratch / "context"
    context.mkdir()
    (context / "xdp_counter.bpf.o").write_bytes(daemon.object("xdp_counter").read_bytes())
    containerfile = next(path for path in host.source.rglob("Containerfile*") if "build" not in path.relative_to(host.source).parts[:1])
    words = [word for name, value in (arguments | {"BYTECODE_FILE": "xdp_counter.bpf.o"}).items() for word in ("--build-arg", f"{name}={value}")]
    registry = workshop.registry()
    image = workshop.buildah("bud", "-q", "--isolation", "chroot", "-f", containerfile, *words, context).splitlines()[-1]
    workshop.push(image, registry.reference("bpf/bud"))
    rows = Images(daemon).load(registry.reference("bpf/bud"))
    check_equal([row["name"] for row in rows], ["xdp_counter"], "loaded")
