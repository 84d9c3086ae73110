# SPDX-License-Identifier: MIT OR Apache-2.0
"""How a test ends, and waiting for things."""
import os
import re
import time


class Skip(Exception):
    """This machine cannot run the test; the reason is printed."""


class Unavailable(Skip):
    """What the test needs cannot be had here, however capable the machine: a skip where others are failures."""


class KernelLacks(Unavailable):
    """This kernel is too old for the test, or built without what it needs: test_types.py checks that bpfd says which one is not."""


def kernel_release():
    """(major, minor) of the kernel that runs."""
    return tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])


def lacks(message):
    """The Linux that a refusal says is needed, if this kernel is indeed older; or None."""
    needed = re.search(r"needs? Linux ([0-9]+)\.([0-9]+)", message)
    if needed and kernel_release() < (int(needed[1]), int(needed[2])):
        return f"{needed[1]}.{needed[2]}"
    return None


class Fail(Exception):
    """What was expected did not happen."""


def check(condition, message):
    """An assertion that says what is wrong instead of which line."""
    if not condition:
        raise Fail(message)


def check_equal(actual, expected, what):
    if actual != expected:
        raise Fail(f"{what}: expected {expected!r}, got {actual!r}")


def check_in(part, text, what):
    if part not in text:
        raise Fail(f"{what}: expected {part!r} in {text!r}")


def slowness():
    """How many times slower than a real machine this one is: emulated ones say so in their processor's name."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as info:
        return 12 if "QEMU TCG" in info.read() else 1


SLOWNESS = slowness()


def wait_for(condition, what, timeout_s=5):
    """Calls `condition` until it is true, and gives back what it returned."""
    end = time.monotonic() + timeout_s * SLOWNESS
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise Fail(f"waited {timeout_s * SLOWNESS} s in vain: {what}")
        time.sleep(0.02)
