# SPDX-License-Identifier: MIT OR Apache-2.0
"""The machine, in a line: figures without it say nothing."""
import os
import pathlib
import platform


def value(path, key):
    for line in pathlib.Path(path).read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith(key):
            return line.split(":", 1)[1].strip()
    return "unknown"


def describe():
    memory_gib = int(value("/proc/meminfo", "MemTotal").split()[0]) / (1 << 20)
    system = next((line.split("=", 1)[1].strip('"') for line in pathlib.Path("/etc/os-release").read_text(
        encoding="utf-8").splitlines() if line.startswith("PRETTY_NAME=")), "unknown")
    load = os.getloadavg()[0]
    emulated = ", emulated" if "QEMU TCG" in value("/proc/cpuinfo", "model name") else ""
    return (f"Machine: {value('/proc/cpuinfo', 'model name')}{emulated}, {os.cpu_count()} CPUs, {memory_gib:.0f} GiB, "
            f"Linux {platform.release()}, {system}; load before the run {load:.1f}.\n")
