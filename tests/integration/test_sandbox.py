# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the running processes may do, read from /proc."""
import os
import pwd

from harness import processes
from harness.host import test
from harness.outcome import check, check_equal, wait_for

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


@test()
def descriptors(host):
    """Nobody holds what it has no use for: the frontend and the loader no BPF object and no file."""
    roles = roles_confined(host.bpfd())
    for role in ("frontend", "loader"):
        links = [os.readlink(f"/proc/{roles[role]}/fd/{name}") for name in os.listdir(f"/proc/{roles[role]}/fd")]
        bad = [link for link in links if "bpf-" in link or link.startswith(("/sys", str(host.scratch / "bpfd" / "state")))]
        check_equal(bad, [], f"descriptors of the {role}")


@test()
def idle_memory(host):
    """Pages of each process, shared ones counted once (proportionally)."""
    roles = roles_confined(host.bpfd())
    total_kb = 0
    for pid in roles.values():
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
            total_kb += int(next(line for line in rollup if line.startswith("Pss:")).split()[1])
    check(total_kb <= IDLE_MEMORY_MAX_KB, f"{total_kb} kB in all")
