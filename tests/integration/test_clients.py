# SPDX-License-Identifier: MIT OR Apache-2.0
"""Clients that are not bpfctl: standard-library Python, a stock nng program, and strangers of all kinds."""
import os
import socket
import struct
import subprocess
import threading
import time

from harness import processes, sp
from harness.host import test
from harness.outcome import SLOWNESS, check, check_equal, wait_for

IDLE_CLIENTS = 60


def alive(daemon):
    """Somebody else is answered as ever."""
    check_equal(daemon.bpfctl("version").returncode, 0, "exit status of bpfctl version meanwhile")
    check_equal(daemon.process.poll(), None, "bpfd has ended")


def closed(connection, timeout_s=10):
    """The other side hangs up (an answer before that is fine)."""
    connection.socket.settimeout(timeout_s * SLOWNESS)
    try:
        while connection.socket.recv(65536):
            pass
    except (ConnectionResetError, BrokenPipeError):
        pass
    except TimeoutError:
        return False
    return True


@test()
def standard_library_python(host):
    daemon = host.bpfd()
    with daemon.client() as client:
        number, answer = client.call(sp.VERSION)
        check_equal(number, sp.ANSWER_VERSION, "kind of answer")
        check_equal(sp.value(answer, 2), 1, "protocol version")
        number, answer = client.call(sp.STATUS)
        check_equal(number, sp.ANSWER_STATUS, "kind of answer")
        number, answer = client.call(sp.LIST_PROGRAMS)
        check_equal((number, answer), (sp.ANSWER_LIST_PROGRAMS, []), "programs")


@test()
def python_loads_and_unloads(host):
    daemon = host.bpfd()
    program = sp.field(1, 2) + sp.field(2, "tracepoint_counter")
    body = sp.field(1, daemon.object("tracepoint_counter").read_bytes()) + sp.field(2, program)
    with daemon.client() as client:
        number, answer = client.call(sp.LOAD, body)
        check_equal(number, 2, f"kind of answer ({answer})")
        loaded = sp.value(sp.fields(sp.value(answer, 1)), 1)
        check_equal([row["id"] for row in daemon.programs()], [loaded], "programs as bpfctl lists them")
        number, _ = client.call(sp.UNLOAD, sp.field(1, loaded))
        check_equal(number, sp.ANSWER_UNLOAD, "kind of answer")


@test("no kernel")
def a_repeated_request_is_done_once(host):
    daemon = host.bpfd()
    body = (sp.field(1, daemon.object("tracepoint_counter").read_bytes()) +
            sp.field(2, sp.field(1, 2) + sp.field(2, "tracepoint_counter")))
    load = sp.request(sp.LOAD, body, request_id=b"0123456789abcdef")
    with daemon.client() as client:
        first = client.exchange(load)
        check_equal(first[0], 2, "kind of answer")
        check_equal(client.exchange(load), first, "the answer to a repeat")
    with daemon.client() as client:
        check_equal(client.exchange(load), first, "the answer to a repeat on another connection")
    daemon.stop()
    daemon.start()
    with daemon.client() as client:
        number, answer = client.exchange(load)
        check_equal(number, 2, "kind of answer to a repeat after a restart")
        check_equal(sp.value(sp.fields(sp.value(answer, 1)), 1), sp.value(sp.fields(sp.value(first[1], 1)), 1),
                    "id in the answer to a repeat after a restart")
    check_equal(len(daemon.programs()), 1, "programs loaded by four times the same request")


@test("no kernel")
def stock_nng(host):
    daemon = host.bpfd()
    result = subprocess.run([host.build / "tests" / "nng_client", daemon.socket], capture_output=True, text=True, check=False,
                            timeout=60 * SLOWNESS)
    check_equal(result.returncode, 0, f"exit status of the nng client ({result.stdout}{result.stderr})")


@test("no kernel")
def garbage(host):
    daemon = host.bpfd()
    greeting = sp.GREETING_REQ
    huge = b"\x01" + struct.pack(">Q", 1 << 40)
    cases = [b"GET / HTTP/1.1\r\n\r\n", os.urandom(64), bytes(64), b"\x00SP\x01\x00\x30\x00\x00", b"\x00SP\x00\x00\x31\x00\x00",
             b"\x00SP\x00\x00\x50\x00\x00", greeting + huge, greeting + b"\x01" + struct.pack(">Q", (1 << 64) - 1),
             greeting + b"\x02" + struct.pack(">Q", 8) + bytes(8), greeting + b"\x01" + struct.pack(">Q", 0),
             greeting + b"\x01" + struct.pack(">Q", 3) + b"abc", greeting + b"\x01" + struct.pack(">Q", 400) + bytes(400)]
    for case in cases:
        client = daemon.client(greet=False)
        try:
            client.socket.sendall(case)
        except (ConnectionResetError, BrokenPipeError):
            pass
        check(closed(client), f"the connection stays open after {case[:32]!r}")
        client.close()
        alive(daemon)


@test("no kernel")
def messages_that_are_no_requests(host):
    """Each is answered with an error; the connection may stay."""
    daemon = host.bpfd()
    version = sp.field(sp.VERSION, b"")
    cases = {
        "empty": b"", "no version": version, "version 2": sp.field(1, 2) + version, "no operation": sp.field(1, 1),
        "random bytes": b"\xff\xfe\xfd" * 20, "an unknown field": sp.field(1, 1) + version + sp.field(99, 1),
        "an unknown field inside": sp.field(1, 1) + sp.field(sp.VERSION, sp.field(7, 7)),
        "a change without a request id": sp.field(1, 1) + sp.field(sp.UNLOAD, sp.field(1, 1)),
        "a short request id": sp.field(1, 1) + sp.field(2, b"abc") + sp.field(sp.UNLOAD, sp.field(1, 1)),
        "an unknown type": sp.request(sp.LIST_PROGRAMS, sp.field(1, 77)),
        "a name that is not UTF-8": sp.request(sp.LIST_PROGRAMS, sp.field(2, b"\xff\xfe")),
        "a name with a zero byte": sp.request(sp.LIST_PROGRAMS, sp.field(2, b"a\0b")),
        "a load of nothing": sp.request(sp.LOAD),
        "an attach to nothing": sp.request(sp.ATTACH, sp.field(1, 1)),
    }
    for name, message in cases.items():
        with daemon.client() as client:
            number, answer = client.exchange(message)
            check_equal(number, sp.ANSWER_ERROR, f"kind of answer to {name}")
            check(len(sp.value(answer, 2, b"")) > 10, f"no reason given for {name}")
    alive(daemon)


@test("no kernel")
def half_messages_and_silence(host):
    daemon = host.bpfd()
    message = sp.request(sp.VERSION)
    whole = b"\x01" + struct.pack(">Q", len(message) + 4) + struct.pack(">I", 0x80000001) + message
    open_ones = []
    for cut in (0, 1, 5, 9, 12, len(whole) - 1):
        client = daemon.client()
        client.socket.sendall(whole[:cut])
        open_ones.append(client)
        gone = daemon.client()
        gone.socket.sendall(whole[:cut])
        gone.close()
    for cut in range(8):  # half a greeting, and then gone: this kills nng 1.5.2's own listener
        client = daemon.client(greet=False)
        client.socket.sendall(sp.GREETING_REQ[:cut])
        client.close()
    alive(daemon)
    open_ones[-1].socket.sendall(whole[-1:])
    open_ones[-1].number = 1
    check_equal(sp.fields(open_ones[-1].receive())[0][0], sp.ANSWER_VERSION, "answer to a message sent in two halves")
    check_equal(daemon.process.poll(), None, "bpfd has ended")


@test("no kernel")
def idle_clients(host):
    daemon = host.bpfd()
    idle = [daemon.client() for _ in range(IDLE_CLIENTS)] + [daemon.client(greet=False) for _ in range(IDLE_CLIENTS)]
    alive(daemon)
    for client in idle:
        client.close()
    alive(daemon)


@test("no kernel")
def too_many_clients(host):
    """Past the limit of connections the next is turned away, and the rest goes on; places come free again."""
    daemon = host.bpfd(limits={"connections": 20, "connections-per-uid": 10})
    held = []
    for _ in range(30):
        try:
            held.append(daemon.client(timeout_s=3))
        except (ConnectionError, TimeoutError):
            break
    check(9 <= len(held) <= 10, f"{len(held)} connections of one user were taken, not 10")
    check_equal(held[0].call(sp.VERSION)[0], sp.ANSWER_VERSION, "answer to one of those who are in")
    for client in held:
        client.close()
    wait_for(lambda: daemon.bpfctl("version").returncode == 0, "a place to come free")


@test("no kernel")
def a_client_that_never_reads(host):
    daemon = host.bpfd(limits={"send-timeout": "500ms"})
    client = daemon.client()
    metadata = sp.field(4, sp.field(1, "k") + sp.field(2, "x" * 180))
    for _ in range(40):
        client.load(daemon.object("tracepoint_counter").read_bytes(), 2, "tracepoint_counter", metadata)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)

    def flood():
        try:
            for _ in range(3000):
                client.send(sp.request(sp.LIST_PROGRAMS))
        except (OSError, TimeoutError):
            return

    flooder = threading.Thread(target=flood, daemon=True)
    flooder.start()
    time.sleep(0.3 * SLOWNESS)
    start = time.monotonic()
    alive(daemon)
    check(time.monotonic() - start < 3 * SLOWNESS, "others wait for the one that does not read")
    client.close()
    flooder.join(10 * SLOWNESS)
    memory_kb = int(processes.status(daemon.roles()["frontend"])["VmRSS"].split()[0])
    check(memory_kb < 64 * 1024, f"the frontend holds {memory_kb} kB for it")
