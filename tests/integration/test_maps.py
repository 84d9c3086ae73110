# SPDX-License-Identifier: MIT OR Apache-2.0
"""Entries of programs' maps, through bpfd: read, set and deleted, by their types."""
import grp
import json
import os
import socket
import subprocess
import threading

from harness import bpf
from harness.host import test
from harness.outcome import KernelLacks, check, check_equal, check_in, kernel_release, wait_for

PORT = 8080


def load(daemon, *options):
    return daemon.load("map_kinds", kind="tracepoint", options=options)


def entries(daemon, program, name, **options):
    return daemon.ask("map", "dump", program, name, **options)


@test()
def typed_entries_of_a_hash(host):
    daemon = host.bpfd()
    program = load(daemon)
    key = f"{{source=0x0a000001,port={PORT},protocol=6,name=eth0}}"
    flow = {"source": 0x0a000001, "port": PORT, "protocol": 6, "name": "eth0"}
    check_equal(entries(daemon, program, "flows"), [], "an empty map")
    check_in("no such entry", daemon.refused("map", "get", program, "flows", key), "get of nothing")
    daemon.ask("map", "set", program, "flows", key,
               "{packets=18446744073709551615,balance=-5,verdict=VERDICT_DROP,low=5,high=77,seen=true,mark=258}")
    value = {"packets": "18446744073709551615", "balance": -5, "verdict": "VERDICT_DROP", "low": 5, "high": 77, "seen": True,
             "mark": 258, "parts": [2, 1, 0, 0]}
    check_equal(daemon.ask("map", "get", program, "flows", key), {"key": flow, "value": value}, "the entry")
    check_equal(entries(daemon, program, "flows"), [{"key": flow, "value": value}], "all entries")
    # members that are not named stay
    daemon.ask("map", "set", program, "flows", json.dumps(flow), '{"packets": 9}')
    value["packets"] = 9
    check_equal(entries(daemon, program, "flows"), [{"key": flow, "value": value}], "after a change of one member")
    text = daemon.bpfctl("map", "dump", program, "flows").stdout.strip()
    check_equal(text, f"{{source={0x0a000001},port={PORT},protocol=6,name=eth0}} = {{packets=9,balance=-5,"
                "verdict=VERDICT_DROP,low=5,high=77,seen=true,mark=258,parts=[2,1,0,0]}", "as text")
    # what dump prints, set takes
    shown_key, shown_value = text.split(" = ")
    daemon.ask("map", "set", "--existing", program, "flows", shown_key, shown_value)
    check_equal(entries(daemon, program, "flows"), [{"key": flow, "value": value}], "set as it was shown")
    check_in("already", daemon.refused("map", "set", "--new", program, "flows", key, "{packets=1}"), "--new")
    daemon.ask("map", "delete", program, "flows", key)
    check_in("no such entry", daemon.refused("map", "delete", program, "flows", key), "deleted twice")
    check_in("no such entry", daemon.refused("map", "set", "--existing", program, "flows", key, "{packets=1}"), "--existing")
    check_equal(daemon.log().count("audit operation=map_set result=done"), 3, "audit lines of sets")
    check_in("audit operation=map_delete result=refused", daemon.log(), "the log")


@test()
def every_kind(host):
    daemon = host.bpfd()
    program = load(daemon)
    daemon.ask("map", "set", program, "numbers", 1, "-7")
    check_equal([row["value"] for row in entries(daemon, program, "numbers")], [0, -7, 0], "array")
    for name in ("recent", "each_hash"):
        daemon.ask("map", "set", program, name, 4, 44)
    check_equal(entries(daemon, program, "recent"), [{"key": 4, "value": 44}], "LRU hash")
    cpus = len(daemon.ask("map", "get", program, "each", 0)["values"])
    check_equal(entries(daemon, program, "each_hash"), [{"key": 4, "values": [44] * cpus}], "per-CPU hash")
    own = [100 + cpu for cpu in range(cpus)]
    daemon.ask("map", "set", program, "each", 1, json.dumps(own))
    check_equal(daemon.ask("map", "get", program, "each", 1), {"key": 1, "values": own}, "per-CPU array")
    check_in("processors", daemon.refused("map", "set", program, "each", 1, json.dumps(own + [1])), "one value too many")
    daemon.ask("map", "set", program, "routes", "{length=24,bytes=[10,0,0,0]}", 3)
    check_equal(daemon.ask("map", "get", program, "routes", "{length=32,bytes=[10,0,0,9]}")["value"], 3, "longest prefix")
    daemon.ask("map", "set", program, "queue", "hex:2a000000")
    daemon.ask("map", "set", program, "queue", "hex:2b000000")
    check_equal(daemon.ask("map", "get", program, "queue"), {"key": None, "value": "hex:2a000000"}, "queue")
    check_in("next entry alone", daemon.refused("map", "dump", program, "queue"), "dump of a queue")
    daemon.ask("map", "set", program, "untyped", "hex:010203", "hex:0102030405")
    check_equal(entries(daemon, program, "untyped"), [{"key": "hex:010203", "value": "hex:0102030405"}], "untyped")
    check_equal(entries(daemon, program, "calls"), [], "program array")
    check_equal(daemon.ask("map", "get", program, ".data", 0)["value"], {"level": -2}, "global variables")
    daemon.ask("map", "set", program, ".data", 0, "{level=17}")
    check_equal(daemon.ask("map", "get", program, ".data", 0)["value"], {"level": 17}, "a variable that was set")


@test()
def types_from_the_declaration(host):
    """Of queues, stacks and maps of devices the kernel knows no types: the object does."""
    daemon = host.bpfd()
    program = daemon.load("map_more", kind="tracepoint")
    for name in ("stack", "queue"):
        daemon.ask("map", "set", program, name, "{id=1,weight=-2,name=a}")
        daemon.ask("map", "set", program, name, "{id=2}")
    check_equal(daemon.ask("map", "get", program, "stack")["value"], {"id": 2, "weight": 0, "name": ""}, "the stack's uppermost")
    check_equal(daemon.ask("map", "get", program, "queue")["value"], {"id": 1, "weight": -2, "name": "a"}, "the queue's next")
    lo = socket.if_nametoindex("lo")
    daemon.ask("map", "set", program, "devices", 2, lo)
    check_equal(entries(daemon, program, "devices"), [{"key": 2, "value": lo}], "devices")
    daemon.ask("map", "set", program, "sizes", 70000, 258)
    check_equal(entries(daemon, program, "sizes"), [{"key": "hex:70110100", "value": "hex:0201"}], "numbers without types")
    inner = {row["name"]: row["id"] for row in daemon.ask("get", "program", program)["maps"]}
    check_equal(entries(daemon, program, "tables"), [{"key": 0, "value": inner["first"]}, {"key": 1, "value": inner["second"]}],
                "a map of maps")
    daemon.ask("map", "set", program, "wides", 0, "{balance=-170141183460469231731687303715884105728,total=0x10000000000000000,"
               "jobs=[{id=1},{name=abcdef}],table=[[1,2,3],[4,5,-6]],where=0xdead,shift=-16,mask=1099511627775}")
    wide = {"balance": "-170141183460469231731687303715884105728", "total": "18446744073709551616",
            "jobs": [{"id": 1, "weight": 0, "name": ""}, {"id": 0, "weight": 0, "name": "abcdef"}],
            "table": [[1, 2, 3], [4, 5, -6]], "where": "0xdead", "shift": -16, "mask": 1099511627775}
    check_equal(daemon.ask("map", "get", program, "wides", 0)["value"], wide, "long numbers, arrays and bit fields")
    daemon.ask("map", "set", program, "wides", 0, json.dumps(wide))
    check_equal(daemon.ask("map", "get", program, "wides", 0)["value"], wide, "set as it was shown")


@test()
def keys_missing_or_too_many(host):
    daemon = host.bpfd()
    program = daemon.load("map_more", kind="tracepoint")
    for arguments, status, part in (
            (("get", program, "wides"), 1, "the key is missing: entries of map \"wides\" have keys of 4 bytes"),
            (("delete", program, "sizes"), 1, "the key is missing"), (("set", program, "sizes", 1), 1, "the key is missing"),
            (("get", program, "stack", 1), 2, "a stack has no keys: leave it out"),
            (("set", program, "queue", 1, "{id=1}"), 2, "a queue has no keys"),
            (("delete", program, "queue"), 1, "gives it to programs"),
            (("set", program, "sizes", 1, 65536), 2, "write a number without a sign that fits, or hex: and its 2 bytes"),
            (("set", program, "sizes", -1, 1), 2, "without a sign"), (("set", program, "sizes", "x", 1), 2, "hex:"),
            (("set", program, "tables", 2, 1), 1, "its values are maps"),
            (("set", program, "wides", 0, "{total=-1}"), 2, "-1 does not fit an unsigned number of 128 bits")):
        result = daemon.bpfctl("map", *arguments)
        check_equal(result.returncode, status, f"exit status of map {arguments}: {result.stderr}")
        check_in(part, result.stderr, f"map {arguments}")


@test()
def bloom_filter(host):
    if kernel_release() < (5, 16):
        raise KernelLacks("bloom filters need Linux 5.16")
    daemon = host.bpfd()
    program = daemon.load("map_bloom", kind="tracepoint")
    check_in("no such entry", daemon.refused("map", "get", program, "seen", 5), "a value that is not in it")
    daemon.ask("map", "set", program, "seen", 5)
    check_equal(daemon.ask("map", "get", program, "seen", 5), {"key": None, "value": 5}, "a value that is")
    check_in("is asked for a value of 4 bytes", daemon.refused("map", "get", program, "seen"), "get without a value")
    for act in ("dump", "delete"):
        check_in("use get with the value", daemon.refused("map", act, program, "seen"), act)


@test()
def refusals(host):
    daemon = host.bpfd()
    program = load(daemon)
    for arguments, part in (
            (("map", "dump", 99, "flows"), "no program 99"),
            (("map", "dump", program, "nothing"), "its maps are:"),
            (("map", "set", program, "numbers", 3, 1), "beyond its end"),
            (("map", "delete", program, "numbers", 1), "set one to zero"),
            (("map", "set", program, "calls", 0, "hex:05000000"), "its values are programs"),
            (("map", "dump", program, "records"), "map follow"),
            (("map", "set", program, ".rodata", 0, "{limit=9}"), "frozen"),
            (("map", "follow", program, "flows"), "only ring buffers")):
        check_in(part, daemon.refused(*arguments), " ".join(map(str, arguments)))
    for number in range(4):
        daemon.ask("map", "set", program, "flows", f"{{source={number}}}", "{packets=1}")
    check_in("full", daemon.refused("map", "set", program, "flows", "{source=9}", "{packets=1}"), "a full hash")
    for arguments, part in (
            (("map", "get", program, "flows", "{nothing=1}"), 'no member "nothing"'),
            (("map", "get", program, "flows", "{port=65536}"), "does not fit"),
            (("map", "get", program, "flows", "{name=toolong}"), "there is room for 5"),
            (("map", "get", program, "flows", "hex:00"), "12 bytes"),
            (("map", "set", program, "flows", "{}", "{verdict=NOTHING}"), "no value of enum"),
            (("map", "set", program, "numbers", 0, "{"), "cannot be understood")):
        result = daemon.bpfctl(*arguments)
        check_equal(result.returncode, 2, " ".join(map(str, arguments)))
        check_in(part, result.stderr, " ".join(map(str, arguments)))


@test()
def many_entries_while_they_change(host):
    daemon = host.bpfd()
    program = load(daemon)
    pin = daemon.map_pin(program, "many")
    for number in range(5000):
        bpf.map_update(pin, number, (2 * number).to_bytes(4, "little"))
    found = {row["key"]: row["value"] for row in entries(daemon, program, "many")}
    check_equal(found, {number: 2 * number for number in range(5000)}, "5000 entries")
    stop = threading.Event()

    def churn():
        number = 5000
        while not stop.is_set():
            number += 1
            bpf.map_update(pin, number % 15000, bytes(4))

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        check(len(entries(daemon, program, "many")) >= 5000, "a dump of a map that changes has fewer entries than stayed")
    finally:
        stop.set()
        thread.join()


@test()
def typed_globals(host):
    daemon = host.bpfd()
    program = load(daemon, "--global", "limit=100", "--global", "wanted={port=443,name=lo}", "--global", "level=hex:0c00")
    constants = daemon.ask("map", "get", program, ".rodata", 0)["value"]
    check_equal((constants["limit"], constants["wanted"]), (100, {"source": 0, "port": 443, "protocol": 0, "name": "lo"}),
                "constants")
    check_equal(daemon.ask("map", "get", program, ".data", 0)["value"], {"level": 12}, "a variable")
    path = daemon.object("map_kinds")
    for option, part in (("nothing=1", "its global variables are"), ("limit=-1", "does not fit"), ("limit=", "missing"),
                         ("limit=four", "number is wanted"), ("limit=hex:0", "not HEX"), ("wanted={x=1}", 'no member "x"')):
        result = daemon.bpfctl("load", "file", path, "--program", "tracepoint:map_kinds", "--global", option)
        check_equal(result.returncode, 2, f"--global {option}")
        check_in(part, result.stderr, f"--global {option}")


@test()
def follows_a_ring_buffer(host):
    daemon = host.bpfd()
    program = load(daemon, "--global", "limit=100")
    daemon.ask("attach", "tracepoint", program, "--target", "syscalls/sys_enter_sched_yield")
    follower = subprocess.Popen([str(word) for word in (daemon.binary("bpfctl"), "--socket", daemon.socket, "map", "follow",
                                                        program, "records")], stdout=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: os.sched_yield() or True, "a record")
        check_equal(follower.stdout.readline(), "hex:64000000\n", "a record")
    finally:
        follower.kill()
        follower.wait()
    check(sum(daemon.ask("map", "get", program, "each", 0)["values"]) > 0, "no event was counted")


@test()
def who_may(host):
    daemon = host.bpfd()
    program = load(daemon)
    member = (65534, grp.getgrnam("bpfd").gr_gid)
    daemon.ask("map", "set", program, "numbers", 0, 5, user=member)
    check_equal(entries(daemon, program, "numbers", user=member)[0], {"key": 0, "value": 5}, "for a member of the group")
    check_equal(daemon.bpfctl("map", "dump", program, "numbers", user=(65534, 65534)).returncode, 3, "for somebody else")
