# SPDX-License-Identifier: MIT OR Apache-2.0
"""
Every program type that bpfd knows, loaded and attached on this kernel, compared with the table in docs/kernels.md. Where BPFD_TYPES
names a file, what was found is written there instead: scripts/kernels-table makes the page of it.
"""
import json
import os
import pathlib
import re

from harness.host import test
from harness.outcome import Fail, Skip, check, kernel_release, lacks
from test_cgroup import COUNTERS
from test_probes import Library
from test_tcx import Netkit

DO_NANOSLEEP = ("--function", "do_nanosleep")
# of each type: an object, and what to load of it
SAMPLES = {
    "xdp": ("xdp_counter", "xdp:xdp_counter"),
    "tracepoint": ("tracepoint_counter", "tracepoint:tracepoint_counter"),
    "raw_tracepoint": ("tracing", "raw_enter"), "tp_btf": ("tracing", "btf_exit"),
    "fentry": ("tracing", "sleep_begins"), "fexit": ("tracing", "sleep_ends"),
    "fmod_ret": ("tracing", "modified"), "lsm": ("tracing", "file_opened"),
    "tc": ("tc_sequence", "tc:tc_sequence"), "tcx": ("tc_sequence", "tcx:tc_sequence"),
    "netkit": ("tc_sequence", "netkit:tc_sequence"),
    "kprobe": ("probes", "function_enters"), "kretprobe": ("probes", "function_returns"),
    "kprobe_multi": ("probes", "functions_enter"), "kretprobe_multi": ("probes", "functions_return"),
    "uprobe": ("probes", "place_reached"), "uretprobe": ("probes", "place_returns"),
    "uprobe_multi": ("probes", "places_reached"), "uretprobe_multi": ("probes", "places_return"),
    "perf_event": ("probes", "sampled"), "netfilter": ("places", "packet"), "sk_lookup": ("places", "lookup"),
    "flow_dissector": ("places", "dissect"), "iter": ("iter", "maps"),
    **{kind: ("cgroup", function) for function, (_, kind) in COUNTERS.items()},
}
YES = "yes"


def types_known(daemon):
    """As bpfctl lists them: a type without a sample here is found out."""
    words = daemon.bpfctl("attach", "nothing", "1").stderr
    return re.search(r"one of ([a-z0-9_, ]+)", words)[1].split(", ")


def netkit_interface():
    """Where the kernel has none, any interface must be refused with the kernel that has."""
    try:
        return Netkit().name
    except Skip:
        return "lo"


def places(host):
    """By type: the options that say where."""
    library, wire, group = Library(host.scratch), host.wire(), host.cgroup()
    os.chmod(host.scratch, 0o755)
    file = ("--target", library.path, "--offset", str(library.offset))
    interface = ("--iface", wire.name, "--direction", "ingress")
    table = {
        "xdp": ("--iface", wire.name), "tracepoint": ("--target", "syscalls/sys_enter_sched_yield"),
        "raw_tracepoint": ("--target", "sys_enter"), "tc": interface, "tcx": interface,
        "netkit": ("--iface", netkit_interface(), "--direction", "ingress"),
        "perf_event": ("--target", "cpu-clock", "--cpu", "0", "--frequency", "50"),
        "netfilter": ("--family", "ipv4", "--hook", "input"),
    }
    table.update({kind: DO_NANOSLEEP for kind in SAMPLES if kind.startswith(("kprobe", "kretprobe"))})
    table.update({kind: file for kind in SAMPLES if kind.startswith(("uprobe", "uretprobe"))})
    table.update({kind: ("--target", group.path) for kind in SAMPLES if kind.startswith("cgroup") or kind == "sockops"})
    return table


def verdict(message):
    """What a refusal says, short: the kernel that is needed, if this one is older; or the whole of it."""
    needed = lacks(message)
    return f"needs {needed}" if needed else " ".join(message.removeprefix("bpfctl: ").splitlines()[0].split())


def try_type(daemon, kind, where):
    name, program = SAMPLES[kind]
    loaded = daemon.bpfctl("-o", "json", "load", "file", daemon.object(name), "--program", program)
    if loaded.returncode:
        return verdict(loaded.stderr)
    row = json.loads(loaded.stdout)[0]
    check(row["type"] == kind, f"the sample of {kind} is a {row['type']} program")
    attached = daemon.bpfctl("-o", "json", "attach", kind, row["id"], *where)
    if attached.returncode == 0:
        link = json.loads(attached.stdout)
        check(link["state"] == "attached", f"{kind}: {link}")
    daemon.unload(row["id"])
    return YES if attached.returncode == 0 else verdict(attached.stderr)


def table_read(path):
    """What docs/kernels.md says: {kernel: {type: cell}}; reasons that lie below the table are left away."""
    rows = [[cell.strip() for cell in line.strip("|\n ").split("|")] for line in path.read_text(encoding="utf-8").splitlines()
            if line.startswith("| ")]
    kernels = [tuple(map(int, re.search(r"([0-9]+)\.([0-9]+)", cell).groups())) for cell in rows[0][1:]]
    return {kernel: {row[0]: row[number].split(" [")[0] for row in rows[1:]} for number, kernel in enumerate(kernels, 1)}


def short(cell):
    return cell if cell == YES or cell.startswith("needs ") else "no"


def compare(found, path):
    """The column of this kernel says what was found. A newer kernel can what older ones can."""
    table = table_read(path)
    older = [kernel for kernel in table if kernel <= kernel_release()]
    if not older:
        raise Skip(f"docs/kernels.md says nothing about kernels as old as {os.uname().release}")
    column = table[max(older)]
    if max(older) == kernel_release():
        wrong = [f"{kind}: {cell!r} here, {column.get(kind)!r} there" for kind, cell in found.items()
                 if column.get(kind) != short(cell)]
        wrong += [f"{kind} is no type" for kind in column if kind not in found]
    else:
        wrong = [f"{kind}: {cell!r} here" for kind, cell in found.items() if column.get(kind) == YES and cell != YES]
    if wrong:
        raise Fail(f"docs/kernels.md is not what this kernel says, make it anew with scripts/kernels-table: {'; '.join(wrong)}")


@test("extensions")
def table(host):
    daemon = host.bpfd()
    where = places(host)
    found = {}
    for kind in types_known(daemon):
        check(kind in SAMPLES, f"no sample of type {kind}: give it one in test_types.py, and scripts/kernels-table a run")
        found[kind] = try_type(daemon, kind, where.get(kind, ()))
        print(f"{kind:24} {found[kind]}")
    if "BPFD_TYPES" in os.environ:
        pathlib.Path(os.environ["BPFD_TYPES"]).write_text(
            json.dumps({"release": os.uname().release, "types": found}), encoding="utf-8")
    else:
        compare(found, host.source / "docs" / "kernels.md")
