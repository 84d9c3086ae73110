# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the running processes may do, read from /proc."""
import os
import pwd
import sys
import threading

from harness import processes
from harness.host import test
from harness.outcome import Unavailable, check, check_equal, wait_for

CAPABILITY = {"CAP_KILL": 5, "CAP_SETGID": 6, "CAP_SETUID": 7, "CAP_NET_ADMIN": 12, "CAP_SYS_ADMIN": 21, "CAP_PERFMON": 38,
              "CAP_BPF": 39}
BROKER = ("CAP_BPF", "CAP_NET_ADMIN", "CAP_PERFMON")
# role: user, capabilities
ROLES = {
    "bpfd": ("root", ("CAP_SETUID", "CAP_SETGID", "CAP_KILL")),
    "broker": ("bpfd-broker", BROKER),
    "gate": ("bpfd-broker", BROKER),
    "frontend": ("bpfd-frontend", ()),
    "loader": ("bpfd-loader", ()),
    "opener": ("root", ("CAP_SYS_ADMIN",)),
}
LATENCY_DEVICE = "/dev/cpu_dma_latency"
IDLE_MEMORY_MAX_KB = 12 * 1024


def mask(names):
    return sum(1 << CAPABILITY[name] for name in names)


def roles_all(daemon):
    return {role: daemon.role(role) for role in ROLES}


def roles_confined(daemon):
    """The same, once each has put on its filter, which is the last thing that a role does before it serves: a loader may have been
    started a moment ago. One that never does so fails the test."""
    roles = roles_all(daemon)
    for role, pid in roles.items():
        wait_for(lambda pid=pid: processes.status(pid).get("Seccomp") == "2", f"the {role} to confine itself")
    return roles


@test()
def identities_and_capabilities(host):
    daemon = host.bpfd()
    roles = roles_confined(daemon)
    check_equal(sorted(daemon.roles()), sorted(ROLES), "processes that run")
    for role, (user, capabilities) in ROLES.items():
        status = processes.status(roles[role])
        uid = str(pwd.getpwnam(user).pw_uid)
        check_equal(status["Uid"].split(), [uid] * 4, f"uids of the {role}")
        for name in ("CapPrm", "CapEff"):
            check_equal(int(status[name], 16), mask(capabilities), f"{name} of the {role}")
        for name in ("CapInh", "CapAmb"):
            check(int(status[name], 16) & ~mask(capabilities) == 0, f"{name} of the {role}: {status[name]}")
        check_equal(int(status["CapAmb"], 16), 0, f"ambient capabilities of the {role}")
        check_equal((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"), f"NoNewPrivs and Seccomp of the {role}")


@test()
def supplementary_groups(host):
    roles = roles_confined(host.bpfd())
    for role in ("frontend", "loader"):
        check_equal(processes.status(roles[role])["Groups"].split(), [], f"supplementary groups of the {role}")


def descriptors_of(pid):
    return [os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")]


@test()
def descriptors(host):
    """Nobody holds what it has no use for: the frontend and the loader no BPF object and no file."""
    roles = roles_confined(host.bpfd())
    for role in ("frontend", "loader"):
        bad = [link for link in descriptors_of(roles[role]) if "bpf-" in link or link.startswith(("/sys", str(host.scratch / "bpfd" / "state")))]
        check_equal(bad, [], f"descriptors of the {role}")


def latency_us():
    """What all on this machine ask for together."""
    with open(LATENCY_DEVICE, "rb", buffering=0) as device:
        return int.from_bytes(device.read(4), sys.byteorder, signed=True)


@test()
def processors_stay_awake(host):
    """While a load comes, by a device that the broker alone holds; soon after they may sleep, and without it loads come, too."""
    if not os.path.exists(LATENCY_DEVICE):
        raise Unavailable(f"there is no {LATENCY_DEVICE}")
    daemon = host.bpfd()
    roles = roles_confined(daemon)
    holders = [role for role, pid in roles.items() if LATENCY_DEVICE in descriptors_of(pid)]
    check_equal(holders, ["broker"], f"who holds {LATENCY_DEVICE}")
    seen_us, done = set(), threading.Event()

    def look():
        # every millisecond, before anybody else: what the broker asks for lasts four, and there may be one processor
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        while not done.wait(0.001):
            seen_us.add(latency_us())

    def load():
        daemon.unload(daemon.load("xdp_counter", options=("--exclusive",)))
        return 0 in seen_us

    looker = threading.Thread(target=look)
    looker.start()
    try:
        wait_for(load, "none of the processors to be let sleep while a load comes")
    finally:
        done.set()
        looker.join()
    wait_for(latency_us, "the processors to be let sleep again")
    daemon.stop()
    daemon.configure(features={"cpu_latency": "no"})
    daemon.start()
    check_equal(LATENCY_DEVICE in descriptors_of(daemon.role("broker")), False, "descriptor of a device that is switched off")
    load()


@test()
def no_huge_pages(host):
    """Of a large buffer that is hardly used the kernel would make one, where they are always on, as Debian has them."""
    for role, pid in roles_all(host.bpfd()).items():
        check_equal(processes.status(pid)["THP_enabled"].strip(), "0", f"huge pages of the {role}")


@test()
def idle_memory(host):
    """Pages of each process, shared ones counted once (proportionally)."""
    roles = roles_confined(host.bpfd())
    total_kb = 0
    for pid in roles.values():
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
            total_kb += int(next(line for line in rollup if line.startswith("Pss:")).split()[1])
    check(total_kb <= IDLE_MEMORY_MAX_KB, f"{total_kb} kB in all")
