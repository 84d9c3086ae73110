# SPDX-License-Identifier: MIT OR Apache-2.0
"""
Images: a pull with verification and load against `skopeo copy` alone, a load from the cache against that of a file, and the memory of a
fetcher. What is wanted of them is wanted of whole commands, as skopeo is one; beside that, what a call takes, in which no process
starts. Medians; they take turns.
"""
import shutil
import statistics
import subprocess
import sys
import time

from harness.image_client import Images, policy_paths, policy_write
from harness.images import Workshop, image_put, labels
from harness.outcome import Unavailable
from harness.peak import PeakWatch

from . import table
from .load import turns

PULL_MOST, CACHED_MOST, PEAK_MOST_KIB = 2, 1.2, 32 << 10
REPOSITORY = "bpf/counter"
HEAVY = ("endless_manifest", "endless_layer", "endless_refusal", "gzip_bomb_of_a_gigabyte", "zstd_bomb_of_a_gigabyte",
         "zstd_window_of_two_gigabytes", "object_of_17_mebibytes", "sparse_file_of_a_terabyte", "manifest_with_many_tokens",
         "manifest_with_many_keys", "manifest_with_deep_json", "manifest_with_long_text")


def command_us(*command):
    """A command that must succeed, from its start to its end."""
    started = time.perf_counter()
    result = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    took = time.perf_counter() - started
    if result.returncode:
        raise RuntimeError(f"{command}: {result.stderr.strip()}")
    return took * 1e6


class Stage:
    def __init__(self, host):
        self.host = host
        self.workshop = Workshop(host, "cosign2")
        self.registry = self.workshop.registry()
        self.daemon = host.bpfd(start=False, images={"keep_ready": "yes"}, paths={"state_directory": host.disk / "state", **policy_paths(host)})
        key, public = self.workshop.key_pair()
        policy_write(self.daemon, {f"{self.registry.host}/{REPOSITORY}": [f"key {public}"]})
        self.path = host.object("xdp_counter")
        digest = image_put(self.registry, REPOSITORY, "1", self.path.read_bytes(), labels({"xdp_counter": "xdp"}))["digest"]
        self.workshop.sign(2, key, self.registry.reference(REPOSITORY, digest))
        self.reference, self.copy = self.registry.reference(REPOSITORY), host.scratch / "copy"
        self.daemon.start()
        self.images = Images(self.daemon)

    def bpfctl_us(self, *words):
        """A load by a command; what it loaded is unloaded afterwards."""
        took = command_us(self.daemon.binary("bpfctl"), "--socket", self.daemon.socket, *words)
        self.daemon.unload(*(row["id"] for row in self.daemon.programs()))
        return took

    def pull_us(self):
        """What is not in the cache: fetched, verified, loaded."""
        for image in self.images.list():
            self.images.remove(image["reference"])
        self.pause()
        return self.bpfctl_us("load", "image", self.reference)

    def skopeo_us(self):
        shutil.rmtree(self.copy, ignore_errors=True)
        self.pause()
        return command_us("skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{self.reference}", f"dir:{self.copy}")

    def cached_us(self):
        self.pause()
        return self.bpfctl_us("load", "image", "--pull-policy", "Never", self.reference)

    def file_us(self):
        self.pause()
        return self.bpfctl_us("load", "file", self.path, "--program", "xdp:xdp_counter")

    def pause(self):
        time.sleep(self.host.pause_ms() / 1000)

    def medians(self, *functions):
        rows = [[function() for function in functions] for _ in range(self.host.times(60))]
        return [statistics.median(column) for column in zip(*rows)]


def peaks(stage):
    """KiB of the fetcher that served each of the heavy behaviours; the tests do all of them."""
    sys.path.append(str(stage.host.source / "tests" / "image"))
    import hostile_images
    from hostile_registry import Registry
    found = {}
    for name in HEAVY:
        with Registry() as registry:
            reference = hostile_images.BEHAVIOURS[name].serve(registry, stage.path.read_bytes())
            watch = PeakWatch(stage.daemon.role("fetcher"))
            stage.images.pull_refused(reference)
            found[name] = watch.peak_kib() or 0
    return found


def measure(host):
    try:
        stage = Stage(host)
    except Unavailable as reason:
        return f"### Images\n\nnot measured: {reason}\n"
    pull_us, skopeo_us = stage.medians(stage.pull_us, stage.skopeo_us)
    cached_us, file_us = stage.medians(stage.cached_us, stage.file_us)
    call_us, call_file_us = turns(
        host, *(("load_bpfd", stage.daemon.socket, host.times(10), host.pause_ms(), what, "xdp_counter")
                for what in (f"image:{stage.reference}", stage.path)))
    heaviest, peak_kib = max(peaks(stage).items(), key=lambda row: row[1])
    return table.markdown("Images", ["what", "bpfd", "against", "takes", "ratio"], [
        ["small signed image from a registry on loopback: pulled, verified, loaded, by a command", table.time(pull_us), "`skopeo copy` alone",
         table.time(skopeo_us), table.ratio(pull_us, skopeo_us, PULL_MOST)],
        ["the same from the cache, verified and loaded, by a command", table.time(cached_us), "load of the file by a command",
         table.time(file_us), table.ratio(cached_us, file_us, CACHED_MOST)],
        ["the same, by a call of libbpfd", table.time(call_us), "load of the file by a call", table.time(call_file_us),
         f"{call_us / call_file_us:.2f}"],
        [f"a fetcher's memory at most ({heaviest})", f"{peak_kib / 1024:.1f} MiB", "what the project set itself", f"{PEAK_MOST_KIB // 1024} MiB",
         table.ratio(peak_kib, PEAK_MOST_KIB, 1)],
    ])
