# SPDX-License-Identifier: MIT OR Apache-2.0
"""Registries and images that mean harm (tests/image/hostile_images.py), through all of bpfd: an error that says what, and nothing is left."""
import sys
import time

from harness.host import test
from harness.image_client import Images, settings
from harness.outcome import SLOWNESS, Unavailable, check, check_equal, check_in
from harness.peak import PeakWatch

NEEDS = ("no kernel",)
STALL_S, TOTAL_S, SLACK_S = 2, 6, 4
PEAK_MOST_KIB = 32 << 10


def hostile(host, slow):
    """(name, behaviour) of those that take their time, or of the others; and the registry."""
    if SLOWNESS > 1:
        raise Unavailable("registries run on real machines only: this one is emulated")
    sys.path.append(str(host.source / "tests" / "image"))
    import hostile_images
    from hostile_registry import Registry
    rows = [(name, behaviour) for name, behaviour in sorted(hostile_images.BEHAVIOURS.items())
            if (hostile_images.TIMEOUT in behaviour.codes) == slow]
    check(len(rows) >= (4 if slow else 40), f"only {len(rows)} behaviours")
    return rows, Registry


def load_refused(daemon, name, behaviour, reference):
    """The fetcher's peak in KiB."""
    watch = PeakWatch(daemon.role("fetcher"))
    credentials = ("--username", behaviour.credentials[0], "--password-stdin") if behaviour.credentials else ()
    started = time.monotonic()
    result = daemon.bpfctl("load", "image", reference, "--program", "xdp:xdp_counter", *credentials,
                           text=behaviour.credentials[1] if behaviour.credentials else None)
    took_s = time.monotonic() - started
    print(f"{name}: {result.stderr.strip()} ({took_s:.1f} s)")
    check_equal(result.returncode, 1, f"{name}: bpfctl's exit status ({result.stderr.strip()})")
    check_in(behaviour.says, result.stderr, name)
    check(len(result.stderr.strip()) > 30, f"{name}: {result.stderr!r} says nothing")
    check(took_s < TOTAL_S + SLACK_S, f"{name}: it took {took_s:.1f} s")
    return watch.peak_kib()


def nothing_left(daemon, name):
    images = Images(daemon)
    check_equal((images.list(), daemon.programs()), ([], []), f"{name}: images and programs")
    check_equal([path for path in images.cache() if "blob" in path], [], f"{name}: blobs in the cache")


def all_refused(host, slow):
    rows, registry_class = hostile(host, slow)
    daemon = host.bpfd(**settings(keep_ready="yes", total_timeout=f"{TOTAL_S}s", stall_timeout=f"{STALL_S}s"))
    data = daemon.object("xdp_counter").read_bytes()
    peaks = {}
    for name, behaviour in rows:
        with registry_class() as registry:
            peaks[name] = load_refused(daemon, name, behaviour, behaviour.serve(registry, data))
        nothing_left(daemon, name)
    print(f"fetchers' memory at most, in KiB: {peaks}")
    most = {name: peak for name, peak in peaks.items() if peak is None or peak > PEAK_MOST_KIB}
    check_equal(most, {}, "fetchers that took more memory than they may, in KiB")


@test()
def refused(host):
    all_refused(host, slow=False)


@test()
def refused_in_time(host):
    all_refused(host, slow=True)
