# SPDX-License-Identifier: MIT OR Apache-2.0
"""bpfd itself: configured into directories of its own, started, stopped, killed, asked."""
import json
import os
import pathlib
import signal
import socket
import subprocess

from . import processes, sp
from .outcome import SLOWNESS, Fail, check, check_equal, wait_for

EXIT_DONE, EXIT_REFUSED, EXIT_USAGE, EXIT_UNREACHABLE = 0, 1, 2, 3


class Refused(Exception):
    """bpfctl ended with 1; `stderr` says why."""

    def __init__(self, result):
        super().__init__(result.stderr.strip())
        self.stderr = result.stderr


def config_text(sections):
    return "".join(f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
                   for name, keys in sections.items())


class Bpfd:
    def __init__(self, build, scratch, name="bpfd", **sections):
        self.build, self.directory, self.binaries = build, scratch / name, scratch / "bin"
        self.state, self.runtime = self.directory / "state", self.directory / "run"
        self.declarations = self.directory / "programs.d"
        self.bpffs = pathlib.Path("/sys/fs/bpf")
        self.socket = self.runtime / "bpfd.sock"
        self.config = self.directory / "bpfd.conf"
        self.log_path = self.directory / "log"
        self.process = None
        self.directory.mkdir()
        self.configure(**sections)

    def configure(self, **sections):
        """Sections of bpfd.conf(5) by name; `_` stands for `-` in keys."""
        paths = {"state-directory": self.state, "runtime-directory": self.runtime, "declarations": self.declarations}
        merged = {"paths": paths}
        for name, keys in sections.items():
            merged.setdefault(name, {}).update({key.replace("_", "-"): value for key, value in keys.items()})
        self.config.write_text(config_text(merged), encoding="utf-8")

    def binary(self, name):
        return self.binaries / name

    # -- the process --

    def spawn(self, extra_environment=None):
        log = self.log_path.open("ab")
        self.process = subprocess.Popen(
            [self.binary("bpfd"), "-c", self.config, "--helpers", self.binaries], stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, env=dict(os.environ, **(extra_environment or {})))
        log.close()

    def start(self):
        """Starts and waits for the READY=1 that systemd would see."""
        notify_path = self.directory / "notify"
        notify_path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(str(notify_path))
            notify.settimeout(0.2)
            self.spawn({"NOTIFY_SOCKET": str(notify_path)})
            wait_for(lambda: self.notified(notify), "bpfd to say that it is ready", 20)
        return self

    def notified(self, notify):
        if self.process.poll() is not None:
            raise Fail(f"bpfd ended with {self.process.returncode} at its start: {self.log()}")
        try:
            return "READY=1" in notify.recv(4096).decode().splitlines()
        except TimeoutError:
            return False

    def start_refused(self):
        """For a start that must fail: its exit status and what it said."""
        before = len(self.log())
        self.spawn()
        status = self.process.wait(20 * SLOWNESS)
        check(status != 0, "bpfd ended with 0 though it could not start")
        return status, self.log()[before:]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        check_equal(self.process.wait(20 * SLOWNESS), 0, "bpfd's exit status after SIGTERM")
        self.roles_gone()

    def roles_gone(self):
        wait_for(lambda: not self.leftovers(), "every process of bpfd to end")
        processes.reap()

    def leftovers(self):
        return [pid for pid in processes.all_pids() if (processes.program_of(pid) or "").startswith("bpfd")]

    def wait_end(self):
        """The service ends by itself, all of it; its exit status."""
        status = self.process.wait(20 * SLOWNESS)
        self.roles_gone()
        return status

    def roles(self):
        """Pids by role. The gate is the broker's child and runs its binary."""
        found = {"bpfd": self.process.pid}
        tree = processes.descendants(self.process.pid)
        for pid, parent, program in tree[1:]:
            if program == "bpfd-broker" and dict((row[0], row[2]) for row in tree)[parent] == "bpfd-broker":
                found["gate"] = pid
            elif program and program.startswith("bpfd-"):
                found[program.removeprefix("bpfd-")] = pid
        return found

    def role(self, name):
        """The pid of one that runs, or will in a moment: a new loader is started after each load."""
        return wait_for(lambda: self.roles().get(name), f"the {name} to run")

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    # -- bpfctl --

    def bpfctl(self, *arguments, user=None, timeout_s=30, text=None, environment=None):
        """`text` is its standard input."""
        command = [self.binary("bpfctl"), "--socket", self.socket, "--timeout", 15 * SLOWNESS, *arguments]
        if user:
            command = ["setpriv", "--reuid", user[0], "--regid", user[1], "--clear-groups", *command]
        return subprocess.run([str(word) for word in command], input=text or "", capture_output=True, text=True,
                              timeout=timeout_s * SLOWNESS, env=dict(os.environ, **(environment or {})), check=False)

    def ask(self, *arguments, **options):
        """The JSON answer of a command that must succeed; Refused if it was refused."""
        result = self.bpfctl("-o", "json", *arguments, **options)
        if result.returncode == EXIT_REFUSED:
            raise Refused(result)
        if result.returncode != EXIT_DONE:
            raise Fail(f"bpfctl {' '.join(map(str, arguments))} ended with {result.returncode}: {result.stderr.strip()}")
        return json.loads(result.stdout) if result.stdout.strip() else None

    def refused(self, *arguments, **options):
        """What bpfctl says on stderr of a command that bpfd must refuse."""
        result = self.bpfctl(*arguments, **options)
        check_equal(result.returncode, EXIT_REFUSED, f"exit status of bpfctl {' '.join(map(str, arguments))} "
                    f"({result.stdout.strip()} {result.stderr.strip()})")
        return result.stderr

    def object(self, name):
        """A sample of bpf/ or a program of tests/bpf/."""
        for directory in ("bpf", "tests"):
            path = self.build / directory / f"{name}.bpf.o"
            if path.exists():
                return path
        raise Fail(f"{name}.bpf.o was not built")

    def load(self, name, *functions, kind="xdp", options=()):
        """Loads functions of an object; their ids."""
        programs = [word for function in functions or (name,) for word in ("--program", f"{kind}:{function}")]
        path = name if isinstance(name, pathlib.Path) else self.object(name)
        answer = self.ask("load", "file", path, *programs, *options)
        ids = [program["id"] for program in answer]
        return ids[0] if len(ids) == 1 else ids

    def load_sequence(self, tag, verdict=2, function="sequence", name="sequence", options=()):
        return self.load(name, function, options=("--global", f"tag=hex:{tag:02x}", "--global",
                                                  f"verdict=hex:{verdict.to_bytes(4, 'little').hex()}", *options))

    def attach(self, program, interface, *options):
        return self.ask("attach", "xdp", program, "--iface", interface, *options)["id"]

    def detach(self, *links):
        self.ask("detach", *links)

    def unload(self, *programs):
        self.ask("unload", *programs)

    def links(self, *options):
        """In the order in which they run; what does not run comes last."""
        return sorted(self.ask("list", "links", *options), key=lambda link: (
            link["interface"] or "", link["position"] is None, link["position"] or 0, link["id"] or 0))

    def link(self, number):
        return self.ask("get", "link", number)

    def programs(self, *options):
        return self.ask("list", "programs", *options)

    def features(self):
        return {row["name"]: row for row in self.ask("status")["features"]}

    def map_pin(self, program, name):
        return self.bpffs / "bpfd" / "maps" / str(program) / name

    def client(self, **options):
        return sp.Client(self.socket, **options)
