# SPDX-License-Identifier: MIT OR Apache-2.0
"""The changes that `scale` measures, by a client whose own time hardly counts: one connection, requests made by hand."""
import os
import pathlib
import subprocess

from harness import sp

XDP, TCX, INGRESS = 1, 10, 1
LOAD, ATTACH = 2, 3  # fields of Response


def interfaces_make(count):
    """Names of so many veth interfaces, up, with nothing on them that would send."""
    pathlib.Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1", encoding="ascii")
    names = [f"s{number}" for number in range(count)]
    lines = [f"link add {name} type veth peer name {name}p\nlink set {name} arp off up\nlink set {name}p arp off up\n"
             for name in names]
    subprocess.run(["ip", "-batch", "-"], input="".join(lines), text=True, check=True)
    return names


def has_tcx():
    return tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2]) >= (6, 6)


class Work:
    def __init__(self, host, daemon, client):
        self.client = client
        self.shared_xdp = daemon.features()["extension_programs"]["present"]
        kind, name = (XDP, "xdp_counter") if self.shared_xdp else (TCX, "tc_sequence")
        self.kind = kind
        self.load_body = self.load_make(host, kind, name, False)
        self.alone_body = self.load_make(host, XDP, "xdp_counter", True)

    @staticmethod
    def load_make(host, kind, name, alone):
        program = sp.field(1, kind) + sp.field(2, name) + (sp.field(3, 1) if alone else b"")
        return sp.field(1, host.object(name).read_bytes()) + sp.field(2, program)

    def change(self, operation, body, expected):
        number, message = self.client.call(operation, body)
        if number != expected:
            raise RuntimeError(f"bpfd refused: {sp.value(message, 2, b'').decode()}")
        return message

    def item(self, operation, body, expected):
        """The id of the one program or link that the answer holds."""
        return sp.value(sp.fields(sp.value(self.change(operation, body, expected), 1)), 1)

    def load(self):
        return self.item(sp.LOAD, self.load_body, LOAD)

    def load_alone(self):
        return self.item(sp.LOAD, self.alone_body, LOAD)

    def attach(self, program, interface):
        target = sp.field(1, interface) + (b"" if self.shared_xdp else sp.field(4, INGRESS))
        return self.item(sp.ATTACH, sp.field(1, program) + sp.field(3, self.kind) + sp.field(4, target), ATTACH)

    def attach_alone(self, program, interface):
        target = sp.field(1, interface) + sp.field(8, 1)
        return self.item(sp.ATTACH, sp.field(1, program) + sp.field(3, XDP) + sp.field(4, target), ATTACH)

    def detach(self, link):
        self.change(sp.DETACH, sp.field(1, link), 4)

    def unload(self, program):
        self.change(sp.UNLOAD, sp.field(1, program), sp.ANSWER_UNLOAD)

    def ids(self, operation):
        _, message = self.client.call(operation)
        return [sp.value(sp.fields(row), 1) for number, row in message if number == 1]

    def clear(self):
        for link in self.ids(sp.LIST_LINKS):
            self.detach(link)
        for program in self.ids(sp.LIST_PROGRAMS):
            self.unload(program)
