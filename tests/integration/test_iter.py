# SPDX-License-Identifier: MIT OR Apache-2.0
"""BPF iterators: programs that are read as files."""
import grp
import os
import stat
import subprocess

from harness.host import test
from harness.outcome import check, check_equal, check_in


def load(daemon, *words):
    options = [word for name in words for word in ("--program", name)]
    return {row["name"]: row for row in daemon.ask("load", "file", daemon.object("iter"), *options)}


def file_of(daemon, link):
    return daemon.bpffs / "bpfd" / "iters" / str(link)


@test("extensions")
def read_as_a_file(host):
    daemon = host.bpfd()
    programs = load(daemon, "maps", "tasks")
    check_equal({row["target"] for row in programs.values()}, {"bpf_map", "task"}, "targets")
    link = daemon.ask("attach", "iter", programs["maps"]["id"])
    check_equal((link["target"], link["state"]), ("bpf_map", "attached"), "link")
    here = programs["maps"]["maps"][0]
    path = file_of(daemon, link["id"])
    check_in(f"map {here['id']} here\n", path.read_text(), "what is read")
    tasks = file_of(daemon, daemon.ask("attach", "iter", programs["tasks"]["id"])["id"])
    check_in(" bpfd-broker\n", tasks.read_text(), "what is read of this namespace's tasks")
    daemon.stop()
    check_in(f"map {here['id']} here\n", path.read_text(), "what is read without bpfd")
    daemon.start()
    check_equal(daemon.link(link["id"])["state"], "attached", "state after a restart")
    daemon.detach(link["id"])
    check(not path.exists(), "the file is there after the detach")
    daemon.unload(programs["tasks"]["id"])
    check_equal(list(path.parent.iterdir()), [], "files after the unload")


@test("extensions")
def read_by_members(host):
    daemon = host.bpfd()
    link = daemon.ask("attach", "iter", load(daemon, "maps")["maps"]["id"])["id"]
    path, group = file_of(daemon, link), grp.getgrnam("bpfd").gr_gid
    status = path.stat()
    check_equal((stat.S_IMODE(status.st_mode), status.st_gid), (0o440, group), "mode and group")
    os.chmod("/sys/fs/bpf", 0o755)

    def read(gid):
        return subprocess.run(["setpriv", "--reuid", "65534", "--regid", str(gid), "--clear-groups", "cat", path],
                              capture_output=True, text=True, check=False)

    check_in(" here\n", read(group).stdout, "what a member reads")
    check(read(65534).returncode != 0, "a stranger reads it")


@test("extensions")
def iterators_that_are_none(host):
    daemon = host.bpfd()

    def refused(word):
        return daemon.refused("load", "file", daemon.object("iter"), "--program", word)

    check_in("no iterator \"nothing\"", refused("iter:anything:nothing"), "refusal")
    check_in("nor its section", refused("anything"), "refusal without a name")
    check_equal(load(daemon, "iter:anything:task")["anything"]["target"], "task", "target in the request")
    program = load(daemon, "elements")["elements"]["id"]
    check_in("bpf_map_elem reads one map", daemon.refused("attach", "iter", program), "refusal")
    result = daemon.bpfctl("attach", "iter", program, "--target", "task")
    check_equal(result.returncode, 2, "exit status with a target")
    check_equal(daemon.links(), [], "links")
