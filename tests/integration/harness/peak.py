# SPDX-License-Identifier: MIT OR Apache-2.0
"""How much memory a process had at most, read when it ends and its memory is still there."""
import ctypes
import os

from .isolate import libc, libc_check

PTRACE_CONT, PTRACE_DETACH, PTRACE_SEIZE, PTRACE_O_TRACEEXIT = 7, 17, 0x4206, 0x40
PTRACE_EVENT_EXIT = 6
WALL = 0x40000000


def ptrace(request, pid, data):
    libc.ptrace.restype = ctypes.c_long
    libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
    libc_check(libc.ptrace(request, pid, None, data), f"ptrace {pid}")


def high_water_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


class PeakWatch:
    """From now to the end of a process. It must be made, and asked, by one thread."""

    def __init__(self, pid):
        self.pid = pid
        ptrace(PTRACE_SEIZE, pid, PTRACE_O_TRACEEXIT)

    def peak_kib(self):
        """Waits for the end of the process, whatever ends it; it may be killed while it is asked. None: it was gone too fast."""
        while True:
            _, status = os.waitpid(self.pid, WALL)
            if not os.WIFSTOPPED(status):
                return None
            ending = status >> 16 == PTRACE_EVENT_EXIT
            peak = high_water_kib(self.pid) if ending else None
            if ending:  # let go: bpfd's launcher, and not this process, is to hear of its end
                ptrace(PTRACE_DETACH, self.pid, 0)
                return peak
            ptrace(PTRACE_CONT, self.pid, 0 if status >> 16 else os.WSTOPSIG(status))
