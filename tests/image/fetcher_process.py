# SPDX-License-Identifier: MIT OR Apache-2.0
"""Starts bpfd-fetcher as the launcher does and speaks its channel as the frontend does (proto/channel_fetcher.h)."""
import array
import ctypes
import fcntl
import os
import pathlib
import re
import select
import signal
import socket
import struct
import time

UID = 64322  # nobody on the machine is that
SEALS = 1 | 2 | 4 | 8  # F_SEAL_SEAL, SHRINK, GROW, WRITE
F_ADD_SEALS, F_GET_SEALS = 1033, 1034
PR_SET_NO_NEW_PRIVS = 38
HANG_SECONDS = 60  # longer than any job of these tests may take on a slow machine

PULL, OBJECT, LIST, INSPECT, REMOVE = range(1, 6)
ALWAYS, IF_NOT_PRESENT, NEVER = range(1, 4)
JOB, WARM, PROGRESS, IMAGE, OBJECT_SENT, DONE, FAILED = range(1, 8)
INVALID_ARGUMENT, NOT_FOUND, LIMIT, BAD_OBJECT, STORE, TIMEOUT, UNSUPPORTED = 1, 2, 6, 8, 11, 13, 7
REGISTRY = 15

HEADER = struct.Struct("<HHIQ")
JOB_BODY = struct.Struct("<IIII512s256s4096s")
SETTINGS = struct.Struct("<IIIIQII128s128s" + "128s" * 16)
PROGRESS_BODY = struct.Struct("<IIQQ")
FAILED_BODY = struct.Struct("<I512s")
DONE_BODY = struct.Struct("<II")
OBJECT_BODY = struct.Struct("<32sQ")
IMAGE_HEAD = struct.Struct("<512s32s32s32s32sQQQQIIIIII32s")
IMAGE_PROGRAM = struct.Struct("<128s32s")
IMAGE_MAP = struct.Struct("<64s32s")
PROGRAMS_MAX, MAPS_MAX = 32, 64


def text(data):
    return data.split(b"\0")[0].decode()


class Image:
    def __init__(self, body):
        body = body.ljust(IMAGE_HEAD.size + PROGRAMS_MAX * IMAGE_PROGRAM.size + MAPS_MAX * IMAGE_MAP.size, b"\0")
        (reference, digest, manifest, layer, self.object, self.object_size, self.stored_size, self.pulled_at, self.used_at,
         self.signature_count, self.programs_from, programs, maps, self.programs_more, self.maps_more,
         architecture) = IMAGE_HEAD.unpack_from(body)
        self.reference, self.architecture = text(reference), text(architecture)
        self.digest, self.manifest, self.layer = ("sha256:" + value.hex() for value in (digest, manifest, layer))
        at = IMAGE_HEAD.size
        self.programs = [tuple(map(text, IMAGE_PROGRAM.unpack_from(body, at + i * IMAGE_PROGRAM.size))) for i in range(programs)]
        at += PROGRAMS_MAX * IMAGE_PROGRAM.size
        self.maps = [tuple(map(text, IMAGE_MAP.unpack_from(body, at + i * IMAGE_MAP.size))) for i in range(maps)]


class Failed(Exception):
    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


class Died(Exception):
    pass


class Answer:
    """What a job that did not fail gave."""

    def __init__(self):
        self.images, self.progress = [], []
        self.cached = self.count = None
        self.object = self.evidence = self.object_digest = None


def sealed(data):
    fd = os.memfd_create("settings", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    fcntl.fcntl(fd, F_ADD_SEALS, SEALS)
    return fd


def memfd_bytes(fd):
    assert fcntl.fcntl(fd, F_GET_SEALS) & SEALS == SEALS, "a memfd of the fetcher's is not sealed"
    data = os.pread(fd, os.fstat(fd).st_size, 0)
    os.close(fd)
    return data


class Fetcher:
    """One process, one job."""

    def __init__(self, binary, state, *, signatures=0, total_ms=20000, stall_ms=5000, cache_size=64 << 20,
                 ca_file="/etc/ssl/certs/ca-certificates.crt", insecure=(), wrap=(), settings=None):
        self.cache = pathlib.Path(state) / "images"
        if not self.cache.exists():
            self.cache.mkdir(mode=0o700)
            if os.geteuid() == 0:
                os.chown(self.cache, UID, UID)
        hosts = [host.encode() for host in insecure] + [b""] * (16 - len(insecure))
        body = SETTINGS.pack(6, signatures, total_ms, stall_ms, cache_size, len(insecure), 0, str(self.cache).encode(),
                             ca_file.encode(), *hosts) if settings is None else settings
        self.channel, lower = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        settings_fd = sealed(body)
        self.log_fd, log = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self.become([*wrap, str(binary)], lower.fileno(), settings_fd, log)
        lower.close()
        os.close(settings_fd)
        os.close(log)
        self.received = []
        self.status = None
        self.said = ""

    @staticmethod
    def become(command, lower, settings_fd, log):
        try:
            high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 20) for fd in (lower, settings_fd, log)]
            os.dup2(high[2], 2)
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)
            os.closerange(5, 256)
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(UID, UID, UID)
                os.setresuid(UID, UID, UID)
            ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            os.execve(command[0], command, {})
        finally:
            os._exit(127)

    def receive(self):
        """(type, body, descriptors); Died when there is nobody any more."""
        if not self.received:
            self.received = self.packet()
        return self.received.pop(0)

    def packet(self):
        """The messages of the next packet; of them OBJECT alone has descriptors."""
        self.channel.settimeout(HANG_SECONDS)
        data, control, _, _ = self.channel.recvmsg(65536, socket.CMSG_SPACE(4 * 4))
        fds = array.array("i")
        for level, kind, part in control:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(part[:len(part) - len(part) % fds.itemsize])
        if not data:
            raise Died(f"the fetcher ended: {self.end()}; it said: {self.log()}")
        messages = []
        while data:
            kind, _, length, _ = HEADER.unpack_from(data)
            body, data = data[HEADER.size:HEADER.size + length], data[HEADER.size + length:]
            assert len(body) == length
            messages.append((kind, body, list(fds) if kind == OBJECT_SENT else []))
        return messages

    def warm(self):
        kind, body, _ = self.receive()
        if kind == FAILED:
            self.fail(body)
        assert kind == WARM, kind
        return self

    @staticmethod
    def fail(body):
        code, message = FAILED_BODY.unpack(body.ljust(FAILED_BODY.size, b"\0"))
        assert not message[message.index(0):].strip(b"\0"), "something is behind the sentence"
        raise Failed(code, text(message))

    def send(self, operation, reference="", *, policy=ALWAYS, signatures=0, username="", password=""):
        body = JOB_BODY.pack(operation, policy, signatures, 0, reference.encode(), username.encode(), password.encode())
        self.channel.sendall(HEADER.pack(JOB, 0, len(body), 0) + body)

    def peak(self):
        """The most memory it ever had, in bytes, where measure_tool ran it: once it has ended."""
        measured = re.search(r"^measured (\d+) KiB$", self.log(), re.MULTILINE)
        return int(measured[1]) << 10 if measured else None

    def collect(self, kind, body, fds, answer):
        if kind == PROGRESS:
            answer.progress.append(PROGRESS_BODY.unpack(body.ljust(PROGRESS_BODY.size, b"\0")))
        elif kind == IMAGE:
            answer.images.append(Image(body))
        elif kind == OBJECT_SENT:
            answer.object_digest, size = OBJECT_BODY.unpack(body.ljust(OBJECT_BODY.size, b"\0"))
            answer.object, answer.evidence = map(memfd_bytes, fds)
            assert len(answer.object) == size
        else:
            raise AssertionError(f"a message of type {kind}")

    def job(self, *arguments, **options):
        """Does the whole of it; Failed if the job did. The process has ended well afterwards."""
        self.warm()
        self.send(*arguments, **options)
        answer = Answer()
        try:
            while True:
                kind, body, fds = self.receive()
                if kind == FAILED:
                    self.fail(body)
                if kind == DONE:
                    answer.count, answer.cached = DONE_BODY.unpack(body.ljust(DONE_BODY.size, b"\0"))
                    break
                self.collect(kind, body, fds, answer)
        finally:
            status = self.end()
        assert status == 0, f"the fetcher ended with {status}: {self.log()}"
        return answer

    def end(self):
        """Closes the channel; the exit status, or -N for a signal."""
        self.channel.close()
        if self.status is None:
            deadline = time.monotonic() + HANG_SECONDS
            while True:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid or time.monotonic() > deadline:
                    break
                time.sleep(0.002)
            if not pid:
                self.kill()
                raise AssertionError("the fetcher does not end")
            self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def kill(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            _, status = os.waitpid(self.pid, 0)
            self.status = os.waitstatus_to_exitcode(status)
        self.channel.close()

    def log(self):
        """All that it said so far."""
        while select.select([self.log_fd], [], [], 0)[0]:
            more = os.read(self.log_fd, 65536)
            if not more:
                break
            self.said += more.decode(errors="replace")
        return self.said
