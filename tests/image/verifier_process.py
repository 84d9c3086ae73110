# SPDX-License-Identifier: MIT OR Apache-2.0
"""Starts bpfd-verifier as the launcher does and speaks its channel as the broker does (proto/channel_verifier.h)."""
import array
import os
import select
import signal
import socket
import struct

from fetcher_process import HANG_SECONDS, HEADER, Fetcher, sealed, text

VERIFY, WARM, VERDICT, FAILED = range(1, 5)
NONE, VERIFIED, REFUSED = range(3)
KIND_NONE, KIND_KEY, KIND_KEYLESS = range(3)
INVALID_ARGUMENT, INTERNAL, UNTRUSTED, UNSUPPORTED = 1, 14, 16, 7
INDEX, MANIFEST, LAYER, SIGNATURE_MANIFEST, SIGNATURE_BLOB = range(1, 6)

RULE_TEXT = 256
TRUST_MAGIC, EVIDENCE_MAGIC = 0x3174737572746662, 0x31656469766570
TRUST_HEADER = struct.Struct("<QIIII")
TRUST_RULE = struct.Struct(f"<{RULE_TEXT}sII{RULE_TEXT}s{RULE_TEXT}s{RULE_TEXT}s")
QUESTION = struct.Struct("<512s32sII")
ANSWER = struct.Struct(f"<II32s32s{RULE_TEXT}s{RULE_TEXT}s{RULE_TEXT}sI512s")


def padded(data):
    return data + bytes(-len(data) % 8)


def key_rule(pattern, name, file):
    return pattern, KIND_KEY, file, name, "", ""


def keyless_rule(pattern, identity, issuer):
    return pattern, KIND_KEYLESS, 0, "", identity, issuer


def none_rule(pattern):
    return pattern, KIND_NONE, 0, "", "", ""


def trust_bytes(rules, files=(), trusted_root=0):
    out = TRUST_HEADER.pack(TRUST_MAGIC, len(rules), len(files), trusted_root, 0)
    for pattern, kind, file, name, identity, issuer in rules:
        out += TRUST_RULE.pack(pattern.encode(), kind, file, name.encode(), identity.encode(), issuer.encode())
    return out + b"".join(struct.pack("<Q", len(file)) for file in files) + b"".join(map(padded, files))


def evidence_bytes(parts):
    out = struct.pack("<QII", EVIDENCE_MAGIC, len(parts), 0)
    out += b"".join(struct.pack("<IIQ", kind, 0, len(data)) for kind, data in parts)
    return out + b"".join(padded(data) for _, data in parts)


class Answer:
    def __init__(self, body):
        (self.verdict, self.kind, self.object, self.image, key, identity, issuer, self.code,
         message) = ANSWER.unpack(body.ljust(ANSWER.size, b"\0"))
        self.key, self.identity, self.issuer, self.message = map(text, (key, identity, issuer, message))


class Verifier:
    """One process, one question."""

    def __init__(self, binary, trust, wrap=()):
        self.channel, lower = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        trust_fd = trust if isinstance(trust, int) else sealed(trust)
        self.log_fd, log = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            Fetcher.become([*wrap, str(binary)], lower.fileno(), trust_fd, log)
        lower.close()
        os.close(trust_fd)
        os.close(log)
        self.status, self.said = None, ""

    def receive(self):
        """(type, body), or (None, None) when it has ended."""
        self.channel.settimeout(HANG_SECONDS)
        data = self.channel.recv(65536)
        if not data:
            return None, None
        kind, _, length, _ = HEADER.unpack_from(data)
        assert len(data) == HEADER.size + length
        return kind, data[HEADER.size:]

    def send(self, kind, body, fds=()):
        """The descriptors are closed."""
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.channel.sendmsg([HEADER.pack(kind, 0, len(body), 0) + body], rights)
        for fd in fds:
            os.close(fd)

    def ask(self, reference, digest, object_fd, evidence_fd, demand=0):
        self.send(VERIFY, QUESTION.pack(reference.encode(), digest, demand, 0), (object_fd, evidence_fd))

    def end(self):
        """Closes the channel; the exit status, or -N for a signal."""
        self.channel.close()
        if self.status is None:
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status

    def kill(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.end()

    def log(self):
        while select.select([self.log_fd], [], [], 0)[0]:
            more = os.read(self.log_fd, 65536)
            if not more:
                break
            self.said += more.decode(errors="replace")
        return self.said
