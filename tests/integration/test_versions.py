# SPDX-License-Identifier: MIT OR Apache-2.0
"""A new version of an object takes the place of the old one, for every type that can be attached on this kernel."""
import json

import test_types
from harness.host import test
from harness.outcome import check, check_equal


MOVED = {"netfilter": ("--priority", "5")}  # two links of one priority exclude each other, and the kernel replaces none


def sample_load(daemon, kind):
    """The type's sample; None where this kernel does not take it, which test_types.py looks into."""
    name, program = test_types.SAMPLES[kind]
    alone = ["--exclusive"] if kind == "xdp" else []
    result = daemon.bpfctl("-o", "json", "load", "file", daemon.object(name), "--program", program, *alone)
    return json.loads(result.stdout)[0]["id"] if result.returncode == 0 else None


def updated(daemon, kind, where):
    """Did a link of the type run here, and then a second program of the same object in its place?"""
    old = sample_load(daemon, kind)
    if not old:
        return False
    new = sample_load(daemon, kind)
    attached = daemon.bpfctl("-o", "json", "attach", kind, old, *where, *(["--exclusive"] if kind == "xdp" else []))
    if attached.returncode == 0:
        link = json.loads(attached.stdout)["id"]
        row = daemon.ask("update", link, "--program", new, *MOVED.get(kind, ()))
        check_equal((row["program_id"], row["state"]), (new, "attached"), f"link of a {kind} program")
    daemon.unload(old, new)
    return attached.returncode == 0


@test()
def every_type(host):
    """Whatever can be attached here can be replaced by a new version, in place."""
    daemon = host.bpfd()
    where = test_types.places(host)
    done = [kind for kind in test_types.types_known(daemon) if updated(daemon, kind, where.get(kind, ()))]
    check(len(done) > 20, f"updated were only {done}")
    check_equal((daemon.links(), daemon.programs()), ([], []), "links and programs")
    print(f"updated: {done}")
