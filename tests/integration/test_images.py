# SPDX-License-Identifier: MIT OR Apache-2.0
"""Bytecode images: pulled, listed, removed, loaded, found again, by real registries and those who make images."""
import os
import pathlib
import signal
import subprocess
import time

from harness import processes
from harness.host import test
from harness.image_client import Images, object_digest, settings
from harness.images import ARCHITECTURE, Workshop, image_put, index_put, labels, other_endian
from harness.outcome import check, check_equal, check_in, wait_for
from test_persist import exclusive, reboot_all

NEEDS = ("no kernel",)
COUNTER = labels({"xdp_counter": "xdp"}, {"counts": "percpu_array"})
OLD_LABELS = {"io.ebpf.program_type": "xdp", "io.ebpf.program_name": "xdp_counter", "io.ebpf.filename": "drop.o"}


def stage(host, *programs, **keys):
    """(workshop, registry, daemon, its images)"""
    workshop = Workshop(host, *programs)
    daemon = host.bpfd(**settings(**keys))
    return workshop, workshop.registry(), daemon, Images(daemon)


def content(daemon, name="xdp_counter"):
    return daemon.object(name).read_bytes()


@test()
def pull_list_inspect_remove(host):
    workshop, registry, daemon, images = stage(host, "buildah")
    reference, digest = workshop.make(registry, "bpf/counter", daemon.object("xdp_counter"), COUNTER)
    pulled = images.pull(reference)
    check_equal((pulled["reference"], pulled["digest"], pulled["cached"]), (reference, digest, False), "what was pulled")
    check_equal(pulled["object_digest"], object_digest(daemon.object("xdp_counter")), "the object's digest")
    check_equal([(row["name"], row["type"]) for row in pulled["programs"]], [("xdp_counter", "xdp")], "programs")
    check_equal((pulled["programs_from"], pulled["architecture"]), ("label", ARCHITECTURE), "where they are from")
    check_equal([(row["reference"], row["digest"]) for row in images.list()], [(reference, digest)], "the list")
    check_equal(images.inspect(reference)["digest"], digest, "inspect by reference")
    check_equal(images.inspect(digest)["reference"], reference, "inspect by digest")
    check_equal(images.pull(reference)["cached"], True, "a second pull")
    check_equal([row["reference"] for row in images.remove(reference)], [reference], "what was removed")
    check_equal(images.list(), [], "the list after that")
    check_in(reference, images.refused("image", "inspect", reference), "inspect of what is gone")
    check_in(reference, images.refused("image", "remove", reference), "removal of what is gone")
    check_equal(daemon.programs(), [], "programs: nothing was loaded")


@test()
def pull_policies(host):
    workshop, registry, daemon, images = stage(host)
    reference, counter, drop = registry.reference("bpf/moving"), content(daemon), content(daemon, "xdp_filter")
    check_in("Never", images.pull_refused(reference, "Never"), "Never, of what is not here")
    first = image_put(registry, "bpf/moving", "1", counter)["digest"]
    check_equal(images.pull(reference, "IfNotPresent")["digest"], first, "the first pull")
    second = image_put(registry, "bpf/moving", "1", drop)["digest"]
    before = len(registry.requests())
    for policy in ("IfNotPresent", "Never"):
        check_equal(images.pull(reference, policy)["digest"], first, f"{policy}, of what is here")
    check_equal(registry.requests()[before:], [], "requests of a policy that needs none")
    check_equal(images.pull(reference, "Always")["digest"], second, "Always, after the tag has moved")
    check_equal(images.pull(reference, "Always")["cached"], True, "Always, of what has not moved")
    check_equal(images.pull(registry.reference("bpf/moving", first))["digest"], first, "the old one by its digest")
    check_in("has no bpf/none", images.pull_refused(registry.reference("bpf/none"), "Always"), "a repository that is not there")


def made_by(workshop, registry, path):
    """(what, reference, programs_from) of images by each maker, in each format."""
    repository = iter(f"bpf/made{number}" for number in range(20))

    def built(what, image_labels, source, name, *push):
        reference = registry.reference(next(repository))
        workshop.push(workshop.build(path, image_labels, name), reference, *push)
        return what, reference, source

    yield built("buildah, OCI", COUNTER, "label", "a.o", "--format", "oci")
    yield built("buildah, Docker's schema 2", COUNTER, "label", "b.o", "--format", "v2s2")
    yield built("buildah, zstd", COUNTER, "label", "c.o", "--format", "oci", "--compression-format", "zstd")
    yield built("buildah, the older labels", OLD_LABELS, "label", "d.o")
    yield built("buildah, no labels", {}, "object", "e.o")
    by_oras = registry.reference(next(repository))
    workshop.oras_push(by_oras, path)
    yield "oras", by_oras, "object"
    by_hand = next(repository)
    image_put(registry, by_hand, "1", path.read_bytes(), COUNTER, compress=False)
    yield "by hand, not compressed", registry.reference(by_hand), "label"
    copied = registry.reference(next(repository))
    workshop.copy(by_oras, copied)
    yield "skopeo's copy", copied, "object"


@test()
def whoever_made_it(host):
    """Every maker and format gives the same object, and it loads."""
    workshop, registry, daemon, images = stage(host, "buildah", "oras")
    path = daemon.object("xdp_counter")
    for what, reference, source in made_by(workshop, registry, path):
        pulled = images.pull(reference)
        check_equal(pulled["object_digest"], object_digest(path), f"{what}: the object")
        check_equal(pulled["programs_from"], source, f"{what}: where its programs are named")
        rows = images.load(reference)
        check_equal([(row["name"], row["type"]) for row in rows], [("xdp_counter", "xdp")], f"{what}: loaded")
        daemon.unload(*(row["id"] for row in rows))


@test()
def several_architectures(host):
    """This machine's is taken, whatever the order; there has to be one, and its object has to be what the index says."""
    _, registry, daemon, images = stage(host)
    ours, foreign = content(daemon), other_endian(content(daemon, "xdp_filter"))

    def index(tag, *rows):
        return index_put(registry, "bpf/many", tag, [image_put(registry, "bpf/many", None, data, COUNTER, architecture)
                                                     for data, architecture in rows])

    digest = index("both", (foreign, "s390x"), (ours, ARCHITECTURE), (content(daemon, "xdp_filter"), "riscv64"))
    pulled = images.pull(registry.reference("bpf/many", "both"))
    check_equal((pulled["digest"], pulled["object_digest"]), (digest, object_digest(daemon.object("xdp_counter"))), "what was taken")
    check(pulled["manifest_digest"] != digest, "the manifest's digest is the index's")
    check_equal(images.pull(registry.reference("bpf/many", digest))["digest"], digest, "the index by its digest")
    index("foreign", (foreign, "s390x"), (foreign, "ppc64"))
    message = images.pull_refused(registry.reference("bpf/many", "foreign"))
    check_in(ARCHITECTURE, message, "an index without this machine")
    check_in("s390x", message, "what there is instead")
    index("wrong", (foreign, ARCHITECTURE))
    check_in("endian", images.pull_refused(registry.reference("bpf/many", "wrong")), "an object of the other byte order")
    check_equal([row["digest"] for row in images.list()], [digest, digest], "the cache")


@test()
def names_of_programs(host):
    """By label, by the user, by the object; with types and without; and what none of them has."""
    _, registry, daemon, images = stage(host)
    sequence = content(daemon, "sequence")
    image_put(registry, "bpf/sequence", "labels", sequence, labels({"sequence": "xdp"}))
    image_put(registry, "bpf/sequence", "bare", sequence)
    image_put(registry, "bpf/sequence", "wrong", sequence, labels({"no_such_function": "xdp"}))
    labelled, bare, wrong = (registry.reference("bpf/sequence", tag) for tag in ("labels", "bare", "wrong"))
    for reference, programs in ((labelled, ()), (bare, ()), (labelled, ("sequence",)), (bare, ("xdp:sequence",)), (wrong, ("xdp:sequence",))):
        rows = images.load(reference, *programs)
        check_in("sequence", [row["name"] for row in rows], f"{reference} {programs}")
        daemon.unload(*(row["id"] for row in rows))
    check_in("no_such_function", images.load_refused(wrong), "a label that names what the object has not")
    check_in("nobody", images.load_refused(labelled, "xdp:nobody"), "a user that names what the object has not")
    check_equal(daemon.programs(), [], "what is left")


def load_exclusive(images, reference, tag, *options):
    return images.load(reference, "xdp:sequence", options=("--exclusive", "--global", f"tag=hex:{tag:02x}", *options))[0]["id"]


@test()
def packets(host):
    """A program out of an image does with frames what one out of a file does; get says where it is from."""
    _, registry, daemon, images = stage(host)
    wire = host.wire()
    digest = image_put(registry, "bpf/sequence", "1", content(daemon, "sequence"))["digest"]
    reference = registry.reference("bpf/sequence")
    program = load_exclusive(images, reference, 7)
    daemon.attach(program, wire.name, "--exclusive")
    check_equal(wire.trace(), [7], "frames")
    source = daemon.ask("get", "program", program)["source"]
    check_equal((source["kind"], source["name"], source["image_digest"]), ("image", reference, digest), "its source")
    check_equal(source["digest"], object_digest(daemon.object("sequence")), "its object")
    check_equal(source["verification"]["verified"], False, "nobody asked for a signature")
    text = daemon.bpfctl("get", "program", program).stdout
    check_in(reference, text, "get, for people")
    check_in(digest, text, "get, for people")


@test()
def reboot_without_network(host):
    """Persistent programs come back though neither the registry nor the image's cache is there any more."""
    _, registry, daemon, images = stage(host)
    wire = host.wire()
    image_put(registry, "bpf/sequence", "1", content(daemon, "sequence"))
    reference = registry.reference("bpf/sequence")
    program = load_exclusive(images, reference, 5, "--persist")
    daemon.attach(program, wire.name, "--exclusive")
    before = daemon.ask("get", "program", program)["source"]
    registry.stop()
    images.remove(reference)
    wire = reboot_all(host, daemon, wire, kill=True)
    check_equal(wire.trace(), [5], "frames after the reboot")
    check_equal(daemon.ask("get", "program", program)["source"], before, "its source after the reboot")
    other = exclusive(daemon, 6)
    check(other > program, "an id was used again")


def grown(data, size, number):
    """A valid object of about this size: what follows an ELF file's sections means nothing."""
    return data + number.to_bytes(4, "little") + os.urandom(size)


@test()
def cache_limit(host):
    """The least recently used goes first; all that is kept stays below the limit."""
    limit = 32 << 20
    _, registry, daemon, images = stage(host, cache_size="32M")
    references = []
    for number in range(8):
        image_put(registry, "bpf/large", str(number), grown(content(daemon), 5 << 20, number))
        references.append(registry.reference("bpf/large", str(number)))
        images.pull(references[-1])
        time.sleep(1.1)  # the times of use have seconds
        daemon.unload(images.load(references[0], "xdp:xdp_counter", policy="Never")[0]["id"])
        left = [row["reference"] for row in images.list()]
        check(sum(images.cache().values()) <= limit, f"the cache is larger than its limit: {images.cache()}")
        check({references[0], references[-1]} <= set(left), f"what was used last is gone: {left}")
        if len(left) <= number:
            break
    check_equal(set(references) - set(left), {references[1]}, "the least recently used, which is gone")
    check_in("cache", images.load_refused(references[1], "xdp:xdp_counter", policy="Never"), "what is gone")


@test()
def cache_corrupted(host):
    """What lies in the cache is hashed again on use: a changed byte is fetched again, or refused where nobody may be asked."""
    _, registry, daemon, images = stage(host)
    digest = image_put(registry, "bpf/counter", "1", content(daemon), COUNTER)["digest"]
    reference = registry.reference("bpf/counter")
    images.pull(reference)

    def spoil():
        spoiled = 0
        for path in (daemon.state / "images").rglob("*"):
            if path.is_file() and path.stat().st_size > 64:
                data = bytearray(path.read_bytes())
                data[len(data) // 2] ^= 1
                path.write_bytes(data)
                spoiled += 1
        check(spoiled > 0, "the cache has no files")

    spoil()
    message = images.load_refused(reference, policy="Never")
    check_in("cache", message, "a spoiled cache, and nobody may be asked")
    check_equal(daemon.programs(), [], "what was loaded of it")
    check_equal(images.pull(reference)["digest"], digest, "fetched again")
    rows = images.load(reference, policy="Never")
    check_equal(len(rows), 1, "loaded from what was fetched again")
    spoil()
    registry.stop()
    images.load_refused(reference)


@test()
def registry_unplugged(host):
    _, registry, daemon, images = stage(host)
    image_put(registry, "bpf/counter", "1", content(daemon), COUNTER)
    reference = registry.reference("bpf/counter")
    images.pull(reference)
    registry.stop()
    for policy in (None, "IfNotPresent", "Never"):
        daemon.unload(images.load(reference, policy=policy)[0]["id"])
    check_in(registry.host, images.load_refused(reference, policy="Always"), "Always, of a registry that is gone")
    check_in(registry.host, images.pull_refused(registry.reference("bpf/other")), "another image of it")


@test()
def local_loads_open_no_connection(host):
    """Whatever leaves this host would have to go over its loopback."""
    subprocess.run(["ip", "route", "add", "default", "dev", "lo"], check=True)
    daemon = host.bpfd(**settings())
    sent = pathlib.Path("/sys/class/net/lo/statistics/tx_packets")
    before = sent.read_text(encoding="ascii")
    daemon.unload(daemon.load("xdp_counter"), daemon.load_sequence(1, options=("--persist",)))
    check_equal(Images(daemon).list(), [], "the list")
    check_equal(sent.read_text(encoding="ascii"), before, "packets sent for loads of files")


@test()
def fetcher_killed(host):
    """kill -9 at each moment of a pull: it is refused, nothing half is kept, and the next one works."""
    _, registry, daemon, images = stage(host, keep_ready="yes")
    digest = image_put(registry, "bpf/large", "1", grown(content(daemon), 12 << 20, 1))["digest"]
    reference = registry.reference("bpf/large")
    for attempt in range(8):
        victim = daemon.role("fetcher")
        command = [daemon.binary("bpfctl"), "--socket", daemon.socket, "image", "pull", "--pull-policy", "Always", reference]
        with subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              text=True) as asking:
            wanted = len(registry.requests()) + attempt % 4
            wait_for(lambda: len(registry.requests()) >= wanted or asking.poll() is not None, "the pull to come so far")
            if processes.alive(victim):
                os.kill(victim, signal.SIGKILL)
            _, message = asking.communicate(timeout=30)
            status = asking.returncode
        check(status in (0, 1), f"bpfctl ended with {status}: {message}")
        check(status == 0 or "fetcher" in message, f"a killed fetcher is not named: {message}")
        check(all(row["digest"] == digest for row in images.list()), "half an image is in the list")
        if images.list():
            images.remove(reference)
    check_equal(images.pull(reference)["digest"], digest, "the pull after all that")
    daemon.unload(images.load(reference, "xdp:xdp_counter", policy="Never")[0]["id"])
    leftovers = [name for name in images.cache() if "tmp" in name or name.endswith(".part")]
    check_equal(leftovers, [], "what the killed left in the cache")
