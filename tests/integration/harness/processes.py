# SPDX-License-Identifier: MIT OR Apache-2.0
"""Processes of the service, found through /proc."""
import os
import pathlib
import signal

from .outcome import wait_for


def status(pid):
    """/proc/PID/status as a dictionary; empty if there is no such process (or only its zombie)."""
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return {}
    rows = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    return {} if rows.get("State", "").startswith(("Z", "X")) else rows


def alive(pid):
    return bool(status(pid))


def all_pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def program_of(pid):
    """The name of the binary that a process runs, or None."""
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return None


def descendants(root):
    """(pid, parent's pid, binary) of every process under `root`, itself first."""
    found = [(root, 0, program_of(root))]
    parents = {pid: int(status(pid).get("PPid", "0")) for pid in all_pids()}
    for parent, _, _ in found:
        found += [(pid, parent, program_of(pid)) for pid, above in parents.items() if above == parent]
    return found


def reap():
    """Takes what the dead left to this first process of its namespace, but for Popen's own children."""
    for pid in all_pids():
        try:
            if pid != 1 and pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] == "Z":
                os.waitpid(pid, os.WNOHANG)
        except (OSError, ChildProcessError):
            continue


def kill(pid, number=signal.SIGKILL):
    os.kill(pid, number)
    if number == signal.SIGKILL:
        wait_for(lambda: not alive(pid), f"process {pid} to die")
