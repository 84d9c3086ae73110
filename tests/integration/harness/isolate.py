# SPDX-License-Identifier: MIT OR Apache-2.0
"""A private host in namespaces of its own: mounts, network, processes and users vanish with the test."""
import ctypes
import os
import pathlib

from . import sysusers
from .interface import IFF_UP, interface_set

CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET = 0x00020000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND = 0x2, 0x4, 0x8, 0x1000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
MNT_DETACH = 2

libc = ctypes.CDLL(None, use_errno=True)


def libc_check(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def mount(source, target, kind=None, flags=0, options=None):
    encoded = [None if text is None else str(text).encode() for text in (source, target, kind, options)]
    libc_check(libc.mount(encoded[0], encoded[1], encoded[2], ctypes.c_ulong(flags), encoded[3]), f"mount {target}")


def umount(target):
    libc_check(libc.umount2(str(target).encode(), MNT_DETACH), f"umount {target}")


def unshare():
    """New mount, network and process namespaces; the last counts for the children."""
    libc_check(libc.unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET), "unshare")


def bind_copy(directory, name, extra):
    """Puts a private copy of /etc/<name>, with lines added, over the real one."""
    copy = directory / name
    copy.write_text(pathlib.Path("/etc", name).read_text(encoding="utf-8") + extra, encoding="utf-8")
    mount(copy, f"/etc/{name}", None, MS_BIND)


def users_make(directory, sysusers_file, without=()):
    """The users and groups of a sysusers.d file, in private copies of /etc/passwd and /etc/group."""
    passwd, group = sysusers.lines(sysusers_file, without)
    bind_copy(directory, "passwd", passwd)
    bind_copy(directory, "group", group)


def populate(scratch, sysusers_file, binaries):
    """
    First thing in the first process of the new namespaces: /proc of these processes, an empty bpffs (mode 0700, as systemd
    mounts it), the host's control groups, tracefs, an empty /run (xdp-loader keeps a lock file there), a tmpfs at `scratch`, loopback up, bpfd's
    users; and the binaries at scratch/bin, for the build tree may lie where bpfd's users may not go.
    """
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount("bpf", "/sys/fs/bpf", "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700")
    mount("cgroup2", "/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount("tracefs", "/sys/kernel/tracing", "tracefs", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755")
    mount("tmpfs", scratch, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755")
    users_make(pathlib.Path(scratch), sysusers_file)
    pathlib.Path(scratch, "bin").mkdir()
    mount(binaries, f"{scratch}/bin", None, MS_BIND)
    interface_set("lo", IFF_UP)
