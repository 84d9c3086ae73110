# SPDX-License-Identifier: MIT OR Apache-2.0
"""How a registry is spoken to: who may speak without TLS, who vouches for a name, and to whom a password goes."""
import base64
import json
import pathlib
import subprocess

from harness import isolate
from harness.host import test
from harness.image_client import Images, settings
from harness.images import Workshop, image_put, labels
from harness.outcome import check, check_equal, check_in
from harness.registry import Authority, TokenServer

NEEDS = ("no kernel",)
COUNTER = labels({"xdp_counter": "xdp"})
ELSEWHERE = "192.0.2.1"  # documentation's: here an address of the private host's loopback interface
NAME = "registry.test"
USERS = {"user": "pass word"}


def elsewhere(host):
    """A host that is not loopback, by address and by name."""
    subprocess.run(["ip", "address", "add", f"{ELSEWHERE}/32", "dev", "lo"], check=True)
    isolate.bind_copy(host.scratch, "hosts", f"{ELSEWHERE} {NAME}\n")


def filled(workshop, daemon, target, credentials=True):
    """The same image in a registry that asks who one is: by way of one that does not."""
    plain = workshop.registry("plain", port=5009)
    image_put(plain, "bpf/counter", "1", daemon.object("xdp_counter").read_bytes(), COUNTER)
    options = ("--dest-creds", ":".join(next(iter(USERS.items())))) if credentials else ()
    workshop.copy(plain.reference("bpf/counter"), target.reference("bpf/counter"), *options)
    plain.stop()
    return target.reference("bpf/counter")


def docker_config(directory, host, user, password):
    """As `docker login` leaves it."""
    directory.mkdir()
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    (directory / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}), encoding="utf-8")
    return {"DOCKER_CONFIG": str(directory)}


@test()
def password(host):
    workshop, daemon = Workshop(host), host.bpfd(**settings())
    registry, images = workshop.registry(users=USERS), Images(daemon)
    reference = filled(workshop, daemon, registry)
    for words in ({}, {"username": "user", "password": "wrong"}, {"username": "nobody", "password": "pass word"}):
        message = images.pull_refused(reference, **words)
        check_in(registry.host, message, f"{words}: which registry")
        check("wrong" not in message and "pass word" not in message, f"a password in {message!r}")
    check_equal(images.list(), [], "the cache of those who may not")
    check_equal(images.pull(reference, username="user", password="pass word\n")["reference"], reference, "with the password")
    check("pass word" not in daemon.log(), "a password in the log")
    images.remove(reference)
    environment = docker_config(host.scratch / "docker", registry.host, *next(iter(USERS.items())))
    check_equal(images.pull(reference, environment=environment)["reference"], reference, "with Docker's file")


@test()
def tokens(host):
    workshop, daemon = Workshop(host), host.bpfd(**settings())
    server = TokenServer(workshop.directory, USERS)
    registry, images = workshop.registry(tokens=server), Images(daemon)
    reference = filled(workshop, daemon, registry)
    server.asked.clear()
    images.pull(reference)
    check_equal({authorization for authorization, _ in server.asked}, {None}, "who asked for a token")
    check_in("repository:bpf/counter:pull", str(server.asked), "what was asked for")
    images.remove(reference)
    server.anonymous = False
    check_in(registry.host, images.pull_refused(reference), "nobody gets no token now")
    images.pull_refused(reference, username="user", password="wrong")
    images.pull(reference, username="user", password="pass word")
    daemon.unload(images.load(reference, policy="Never")[0]["id"])


@test()
def private_authority(host):
    """https, by an authority of the administrator's own: its file is what counts."""
    elsewhere(host)
    workshop = Workshop(host)
    authority, stranger = Authority(workshop.directory), Authority(workshop.directory, "stranger")
    daemon = host.bpfd(**settings(ca_file=authority.file))
    images = Images(daemon)
    good = workshop.registry(address=ELSEWHERE, name=NAME, port=5443, tls=authority.issue("good", f"DNS:{NAME}"))
    reference = filled(workshop, daemon, good, credentials=False)
    check_equal(images.pull(reference)["reference"], reference, "of one for whom the authority vouches")
    for name, port, by, names in (("other-name", 5444, authority, "DNS:other.test"), ("of-a-stranger", 5445, stranger, f"DNS:{NAME}")):
        bad = workshop.registry(name, address=ELSEWHERE, port=port, tls=by.issue(name, names))
        bad.host = f"{NAME}:{port}"
        check_in("certificate", images.pull_refused(bad.reference("bpf/counter")), name)
    check_equal(len(images.list()), 1, "the cache")


@test()
def without_tls(host):
    """http only for loopback, and for hosts that the administrator names."""
    elsewhere(host)
    workshop, daemon = Workshop(host), host.bpfd(**settings())
    images = Images(daemon)
    registry = workshop.registry(address=ELSEWHERE, name=NAME)
    image_put(registry, "bpf/counter", "1", daemon.object("xdp_counter").read_bytes(), COUNTER)
    before = len(registry.requests())
    for reference in (registry.reference("bpf/counter"), f"{ELSEWHERE}:{registry.port}/bpf/counter:1"):
        check_in(reference.split("/")[0], images.pull_refused(reference), "a host that is not loopback")
    check_equal(registry.requests()[before:], [], "requests without TLS")
    daemon.stop()
    daemon.configure(**settings(insecure_registries=registry.host))
    daemon.start()
    check_equal(images.pull(registry.reference("bpf/counter"))["reference"], registry.reference("bpf/counter"), "a host that is named")
    images.pull_refused(f"{ELSEWHERE}:{registry.port}/bpf/counter:1")


@test()
def names_that_are_none(host):
    """A reference is refused before anyone is asked."""
    Workshop(host)
    subprocess.run(["ip", "route", "add", "default", "dev", "lo"], check=True)
    images = Images(host.bpfd(**settings()))
    sent = pathlib.Path("/sys/class/net/lo/statistics/tx_packets")
    before = sent.read_text(encoding="ascii")
    for reference in ("counter", "bpf/counter:1", "localhost:5000/", "localhost:5000/Upper:1", "localhost:5000/a/../b:1", "http://localhost/a:1",
                      "localhost:99999/bpf/a:1", "localhost:5000/bpf/a@sha256:12", "localhost:5000/bpf/a@md5:" + "0" * 32, "a" * 600):
        result = images.daemon.bpfctl("image", "pull", reference)
        check(result.returncode in (1, 2), f"{reference!r}: bpfctl ended with {result.returncode}: {result.stderr}")
        check(len(result.stderr) > 20, f"{reference!r}: {result.stderr!r} says nothing")
    check_equal(sent.read_text(encoding="ascii"), before, "packets sent for names that are none")
