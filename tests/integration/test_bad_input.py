# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every wrong input gets a clear error, and nothing is lost: what was there before is there afterwards."""
import struct

from harness.host import test
from harness.outcome import check, check_equal, check_in

EI_DATA, E_MACHINE = 5, 18
MACHINE_X86_64 = 62
FLIPS = 12


def changed(host, daemon, name, change):
    """A changed copy of a sample object."""
    data = bytearray(daemon.object("xdp_counter").read_bytes())
    path = host.scratch / name
    path.write_bytes(bytes(change(data)))
    return path


def load_refused(daemon, path, *options, program="xdp:xdp_counter"):
    message = daemon.refused("load", "file", path, "--program", program, *options)
    check_equal(daemon.programs(), [], "programs after a refused load")
    check_equal(list((daemon.bpffs / "bpfd" / "programs").iterdir()), [], "pins after a refused load")
    return message


def machine_set(data, machine):
    struct.pack_into("<H", data, E_MACHINE, machine)
    return data


def endian_flip(data):
    """A big-endian object as far as its header says."""
    data[EI_DATA] = 2
    data[16:18], data[18:20], data[20:24] = data[17:15:-1], data[19:17:-1], data[23:19:-1]
    return data


@test()
def objects(host):
    daemon = host.bpfd()
    cases = {
        "truncated": lambda data: data[:len(data) // 2],
        "header_only": lambda data: data[:64],
        "few_bytes": lambda data: data[:10],
        "empty": lambda data: b"",
        "no_elf": lambda data: b"#!/bin/sh\n" * 100,
        "other_machine": lambda data: machine_set(data, MACHINE_X86_64),
        "other_endianness": endian_flip,
        "holes": lambda data: data[:200] + bytes(400) + data[600:],
        "section_table_far_away": lambda data: data[:40] + struct.pack("<Q", 1 << 60) + data[48:],
        "huge_section_count": lambda data: data[:60] + b"\xff\xff" + data[62:],
    }
    for name, change in cases.items():
        message = load_refused(daemon, changed(host, daemon, name, change))
        check(len(message) > 20, f"{name}: no reason given: {message!r}")
    daemon.load("tracepoint_counter", kind="tracepoint")


@test("no kernel")
def seventeen_mebibytes(host):
    daemon = host.bpfd()
    path = changed(host, daemon, "big", lambda data: data + bytes((17 << 20) - len(data)))
    message = load_refused(daemon, path)
    check_in("16", message, "refusal of 17 MiB")


@test()
def every_byte_counts(host):
    """Objects with a byte changed here and there: refused or loaded, but answered, and by the same service."""
    daemon = host.bpfd()
    start = daemon.roles()
    size = daemon.object("xdp_counter").stat().st_size
    for number in range(FLIPS):
        offset = size * number // FLIPS

        def flip(data, offset=offset):
            data[offset] ^= 0xFF
            return data

        result = daemon.bpfctl("-o", "json", "load", "file", changed(host, daemon, "flipped", flip), "--program", "xdp:xdp_counter")
        check(result.returncode in (0, 1), f"byte {offset} flipped: bpfctl ended with {result.returncode}: {result.stderr}")
    now = daemon.roles()
    check_equal({role: now[role] for role in ("bpfd", "broker", "frontend", "opener")},
                {role: start[role] for role in ("bpfd", "broker", "frontend", "opener")}, "the service's processes")


@test("no kernel")
def a_program_that_is_not_there(host):
    daemon = host.bpfd()
    message = load_refused(daemon, daemon.object("xdp_counter"), program="xdp:nothing_of_the_kind")
    check_in("nothing_of_the_kind", message, "refusal")
    check_in("xdp_counter", message, "the names that are there")


@test()
def a_program_of_another_type(host):
    daemon = host.bpfd()
    message = load_refused(daemon, daemon.object("xdp_counter"), program="tracepoint:xdp_counter")
    check_in("xdp_counter", message, "refusal")


@test()
def the_verifiers_log_is_whole(host):
    daemon = host.bpfd()
    message = load_refused(daemon, daemon.object("refused"), program="xdp:refused")
    for part in ("invalid access to packet", "processed", "R1", "0: "):
        check_in(part, message, "the verifier's log on stderr")


@test("no kernel")
def globals_that_do_not_fit(host):
    daemon = host.bpfd()
    path = daemon.object("xdp_filter")
    for option, part in (("no_such_global=hex:01", "no_such_global"), ("blocked_port=hex:010203", "blocked_port"),
                         ("blocked_port=hex:01", "2 bytes")):
        check_in(part, load_refused(daemon, path, "--global", option, program="xdp:xdp_filter"), f"--global {option}")
    for option in ("blocked_port=xyz", "blocked_port=65536", "blocked_port=hex:012", "no_such_global=1", "blocked_port", "=01"):
        result = daemon.bpfctl("load", "file", path, "--program", "xdp:xdp_filter", "--global", option)
        check_equal(result.returncode, 2, f"exit status of --global {option}")


@test()
def one_bad_program_loads_none(host):
    daemon = host.bpfd()
    daemon.refused("load", "file", daemon.object("sequence"), "--program", "xdp:sequence", "--program", "xdp:missing")
    check_equal(daemon.programs(), [], "programs")
    check_equal(list((daemon.bpffs / "bpfd" / "maps").iterdir()), [], "pins of maps")


@test("extensions")
def attach_arguments(host):
    daemon, wire = host.bpfd(), host.wire()
    program = daemon.load_sequence(1)
    check_in("eth77", daemon.refused("attach", "xdp", program, "--iface", "eth77"), "a missing interface")
    check_in("4711", daemon.refused("attach", "xdp", "4711", "--iface", wire.name), "an unknown program")
    for options in (("--priority", "1000001"), ("--priority", "-1"), ("--priority", "x"), ("--proceed-on", "jump"),
                    ("--mode", "sideways")):
        result = daemon.bpfctl("attach", "xdp", program, "--iface", wire.name, *options)
        check(result.returncode in (1, 2), f"{options}: ended with {result.returncode}")
        check_in(options[1], result.stderr, f"what is said of {options}")
    check(daemon.bpfctl("attach", "xdp", program, "--iface", wire.name, "--proceed-on", "pass,,drop").returncode in (1, 2),
          "an empty word in proceed-on was accepted")
    for interface in ("", "a" * 16, "x/y", "..", "a b"):
        result = daemon.bpfctl("attach", "xdp", program, "--iface", interface)
        check(result.returncode in (1, 2), f"--iface {interface!r}: ended with {result.returncode}")
    check_equal(daemon.links(), [], "links after all that")
    check_equal(wire.trace(), [], "frames pass untouched")


@test("no kernel")
def unknown_ids(host):
    daemon = host.bpfd()
    for command in (("get", "program"), ("get", "link"), ("detach",), ("unload",)):
        check_in("4711", daemon.refused(*command, "4711"), " ".join(command))
    for command in (("get", "program"), ("detach",), ("unload",)):
        result = daemon.bpfctl(*command, "18446744073709551616")
        check(result.returncode in (1, 2), f"{command} of 2^64: ended with {result.returncode}")


@test("no kernel")
def files_that_cannot_be_read(host):
    daemon = host.bpfd()
    for path in (host.scratch / "missing.o", host.scratch):
        result = daemon.bpfctl("load", "file", path, "--program", "xdp:x")
        check(result.returncode in (1, 2), f"{path}: ended with {result.returncode}")
        check_in(str(path), result.stderr, "what is said of it")


@test("extensions")
def what_is_there_survives_refusals(host):
    daemon, wire = host.bpfd(), host.wire()
    daemon.attach(daemon.load_sequence(1), wire.name)
    daemon.refused("load", "file", daemon.object("refused"), "--program", "xdp:refused")
    daemon.refused("attach", "xdp", "1", "--iface", "eth77")
    daemon.refused("unload", "4711")
    check_equal(wire.trace(), [1], "frames after refusals")
