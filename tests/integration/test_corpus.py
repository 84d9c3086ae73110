# SPDX-License-Identifier: MIT OR Apache-2.0
"""
Objects that nobody here wrote (scripts/corpus-fetch): each of their programs loads through bpfd, its type told by its section, or is refused
where libbpf, with every capability, is refused by this kernel too, and for the same reason; or because it is of a type that bpfd does not have.
"""
import json
import os
import subprocess

from harness.host import test
from harness.outcome import Fail, Unavailable, check, lacks

NO_TYPE = "says no type that bpfd has"
LIBBPF_ERRNO__ENDIAN = 4003
BIG_ENDIAN = "the object is big-endian, this machine is not"
MACHINES = (0, 247)  # EM_BPF, and what old linkers wrote


def is_bpf(path):
    head = path.read_bytes()[:20]
    little = head[5:6] == b"\1"
    return head[:4] == b"\x7fELF" and int.from_bytes(head[18:20], "little" if little else "big") in MACHINES


def objects(host):
    corpus = host.source / "build" / "corpus"
    found = [path for path in sorted(corpus.rglob("*")) if path.is_file() and path.suffix in (".o", ".elf") and is_bpf(path)]
    if not found:
        raise Unavailable("no foreign objects are here: scripts/corpus-fetch gets them")
    return corpus, found


def libbpf_says(host, path):
    """(function, section, errno, reason) for each program."""
    tool = host.build / "tests" / "corpus" / "load_libbpf"
    lines = subprocess.run([tool, path], capture_output=True, text=True, errors="replace", check=True).stdout.splitlines()
    for line in lines:
        function, section, number, reason = line.split("\t", 3)
        yield function, section, int(number), reason


def bpfd_says(daemon, path, function):
    """None, or why it is refused."""
    answer = daemon.bpfctl("-o", "json", "load", "file", path, "--program", "nothing" if function == "-" else function)
    if answer.returncode == 0:
        daemon.unload(*(row["id"] for row in json.loads(answer.stdout)))
        return None
    check(answer.returncode == 1, f"bpfctl ended with {answer.returncode}: {answer.stderr}")
    return answer.stderr.removeprefix("bpfctl: ").strip().splitlines()[0]


def same_reason(number, reason, refusal):
    """libbpf's own words are in bpfd's refusal, or the error that the kernel gave it; or this kernel is too old, and bpfd says for what."""
    words = [reason.removeprefix("libbpf: "), BIG_ENDIAN if number == LIBBPF_ERRNO__ENDIAN else os.strerror(number)]
    return lacks(refusal) is not None or any(part and part in refusal for part in words)


def judge(number, reason, refusal):
    """What the table says, and whether that is right."""
    if refusal is None:
        return ("loads", True) if number == 0 else ("LOADS, though libbpf is refused", False)
    if NO_TYPE in refusal:
        return "refused: not bpfd's type", True
    if number == 0:
        return "REFUSED, though libbpf is not", False
    return ("refused, as libbpf is", True) if same_reason(number, reason, refusal) else ("REFUSED for another reason than libbpf", False)


@test()
def loads_what_libbpf_loads(host):
    daemon = host.bpfd()
    corpus, paths = objects(host)
    wrong, loaded = [], 0
    for path in paths:
        for function, section, number, reason in libbpf_says(host, path):
            refusal = bpfd_says(daemon, path, function)
            word, right = judge(number, reason, refusal)
            loaded += refusal is None
            name = f"{path.relative_to(corpus).parts[0]}/{path.name} {section} {function}"
            print(f"{name:80} {word}" + (f"\n    libbpf: {number} {reason}" if number else "") + (f"\n    bpfd: {refusal}" if refusal else ""))
            if not right:
                wrong.append(f"{name}: {word} ({refusal or reason})")
    check(loaded, "none of the objects could be loaded")
    if wrong:
        raise Fail("; ".join(wrong))
