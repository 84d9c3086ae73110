# SPDX-License-Identifier: MIT OR Apache-2.0
"""Memory of the idle service, the binaries and what they need, and how much code the broker is."""
import pathlib
import re
import shlex
import subprocess
import time

from harness import processes
from harness.outcome import SLOWNESS

from . import table

LIMIT_KIB = 12 * 1024
BINARIES = ("bpfd", "bpfd-broker", "bpfd-frontend", "bpfd-loader", "bpfd-opener", "bpfctl")


def pss_kib(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE).group(1))


def memory_table(host):
    daemon = host.daemon()
    time.sleep(1 * SLOWNESS)
    rows, resident, proportional = [], 0, 0
    for name, pid in sorted(daemon.roles().items()):
        rss, pss = int(processes.status(pid)["VmRSS"].split()[0]), pss_kib(pid)
        rows.append([name, f"{rss:,} KiB", f"{pss:,} KiB"])
        resident, proportional = resident + rss, proportional + pss
    rows.append([f"all together: {table.ratio(resident, LIMIT_KIB, 1)} of 12 MiB", f"{resident:,} KiB",
                 f"{proportional:,} KiB"])
    return table.markdown("Idle memory", ["process", "resident", "proportional"], rows)


def needed(path):
    out = subprocess.run(["readelf", "-d", path], check=True, capture_output=True, text=True).stdout
    return ", ".join(re.findall(r"NEEDED.*\[(.*)\]", out))


def text_bytes(path):
    out = subprocess.run(["size", path], check=True, capture_output=True, text=True).stdout
    return int(out.splitlines()[1].split()[0])


def binaries_table(host):
    rows = [[name, f"{text_bytes(host.build / 'bin' / name) / 1024:,.0f} KiB", needed(host.build / "bin" / name)]
            for name in BINARIES]
    return table.markdown("Binaries", ["binary", "code and constants", "needs"], rows)


def linked_objects(host, scratch):
    """Object files, and archive members, that the linker took into the broker, as its map tells."""
    commands = subprocess.run(["ninja", "-C", host.build, "-t", "commands", "-s", "bin/bpfd-broker"], check=True,
                              capture_output=True, text=True).stdout
    link = next(line for line in reversed(commands.splitlines()) if "-o bin/bpfd-broker" in line)
    words = shlex.split(link.split("&&")[1])
    words[words.index("-o") + 1] = str(scratch / "broker")
    subprocess.run([*words, f"-Wl,-Map={scratch / 'map'}"], check=True, cwd=host.build)
    lines = (scratch / "map").read_text(encoding="utf-8").splitlines()
    return {line[5:].strip() for line in lines if line.startswith("LOAD ")} | \
        set(re.findall(r"^(\S+\.a)\((\S+\.o)\)", "\n".join(lines), re.MULTILINE))


def sources(host, objects):
    """Project files that those objects were compiled from, by ninja's own record."""
    members = {row[1] for row in objects if isinstance(row, tuple)} | \
        {pathlib.Path(row).name for row in objects if isinstance(row, str) and row.endswith(".o")}
    deps = subprocess.run(["ninja", "-C", host.build, "-t", "deps"], check=True, capture_output=True, text=True).stdout
    found = set()
    archives = {pathlib.Path(row[0]).stem for row in objects if isinstance(row, tuple)}
    for block in deps.split("\n\n"):
        head, *paths = block.splitlines() or [""]
        target = pathlib.Path(head.split(":")[0])
        directory = next((part[:-4] for part in target.parts if part.endswith(".dir")), "")
        if target.name in members and (f"lib{directory}" in archives or directory == "bpfd-broker"):
            found.update(pathlib.Path(path.strip()) for path in paths)
    return {path for path in ((host.build / path).resolve() for path in found)
            if path.exists() and (path.is_relative_to(host.source) or path.is_relative_to(host.build))}


def count(paths):
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)


def code_table(host):
    objects = linked_objects(host, host.scratch)
    files = sources(host, objects)
    generated = {path for path in files if path.is_relative_to(host.build)}
    rows = [["C files", len([p for p in files - generated if p.suffix == ".c"]),
             f"{count(p for p in files - generated if p.suffix == '.c'):,}"],
            ["headers", len([p for p in files - generated if p.suffix == ".h"]),
             f"{count(p for p in files - generated if p.suffix == '.h'):,}"],
            ["constant tables made by the build", len(generated), f"{count(generated):,}"]]
    foreign = sorted({pathlib.Path(row[0]).name + "(" + row[1] + ")" for row in objects
                      if isinstance(row, tuple) and row[0].startswith("/usr")})
    return table.markdown("Lines linked into the broker", ["kind", "files", "lines"], rows) + \
        f"\nFrom Debian's archives: {', '.join(foreign) or 'nothing'}.\n"


def measure(host):
    return "\n".join((memory_table(host), binaries_table(host), code_table(host)))
