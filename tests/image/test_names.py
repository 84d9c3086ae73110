# SPDX-License-Identifier: MIT OR Apache-2.0
"""Hosts by name and by address, in a network of the test's own."""
import os
import shutil
import socket
import struct
import subprocess
import threading
import unittest

import fetcher_process as fetcher
from bytecode_image import Image, digest
from case import Case, HASTY
from fetcher_process import Failed, PULL
from hostile_registry import Registry


@unittest.skipUnless(os.geteuid() == 0, "namespaces need root")
class Names(Case):
    """Hosts by name and by address, in a network of this test's own."""

    def setUp(self):
        super().setUp()
        subprocess.run(["ip", "address", "add", "192.0.2.7/32", "dev", "lo"], check=True)
        self.addCleanup(subprocess.run, ["ip", "address", "del", "192.0.2.7/32", "dev", "lo"], check=True)
        self.far = Registry(address="192.0.2.7").__enter__()
        self.addCleanup(self.far.__exit__)
        self.port = self.far.host.split(":")[1]

    def bind(self, path, content):
        file = self.state / path.strip("/").replace("/", "-")
        file.write_text(content, encoding="ascii")
        subprocess.run(["mount", "--bind", file, path], check=True)
        self.addCleanup(subprocess.run, ["umount", path], check=True)

    def test_http_only_where_it_is_listed(self):
        reference = Image(self.data).publish(self.far)
        failed = self.refused(PULL, reference)
        self.assertEqual(failed.code, fetcher.REGISTRY)
        self.assertIn("insecure", failed.message)
        self.assertEqual(self.far.log, [])
        self.assertIn("insecure", self.refused(PULL, reference, settings={"insecure": ["192.0.2.7:1"]}).message)
        for listed in ("192.0.2.7", self.far.host):
            with self.subTest(listed=listed):
                self.assertEqual(self.job(PULL, reference, settings={"insecure": [listed]}).count, 1)

    def test_a_far_registry_does_not_reach_this_machines_own_servers(self):
        image = Image(self.data)
        image.publish(self.registry)
        reference = image.publish(self.far)
        self.far.on("GET .*/blobs/", lambda handler: handler.answer(
            307, fields=[("Location", f"{self.registry.url}/v2/image/blobs/{digest(image.layer)}")]))
        failed = self.refused(PULL, reference, settings={"insecure": [self.far.host]})
        self.assertIn("plain http", failed.message)
        self.assertEqual(self.registry.log, [])

    def test_name_from_the_hosts_file(self):
        self.bind("/etc/hosts", "127.0.0.1 localhost\n192.0.2.7 registry.test\n")
        Image(self.data).publish(self.far)
        answer = self.job(PULL, f"registry.test:{self.port}/image:latest", settings={"insecure": ["registry.test"]})
        self.assertEqual(answer.count, 1)

    def test_name_from_a_name_server(self):
        self.bind("/etc/resolv.conf", "nameserver 192.0.2.7\noptions timeout:1 attempts:1\n")
        Image(self.data).publish(self.far)
        with NameServer("192.0.2.7") as names:
            for truncated in (False, True):
                names.truncated = truncated
                with self.subTest(truncated=truncated):
                    answer = self.job(PULL, f"registry.test:{self.port}/image:latest",
                                      settings={"insecure": ["registry.test"]})
                    self.assertEqual(answer.count, 1)
        self.assertTrue(names.asked)

    def test_name_server_that_is_silent(self):
        self.bind("/etc/resolv.conf", "nameserver 192.0.2.7\noptions timeout:30 attempts:5\n")
        with NameServer("192.0.2.7", silent=True):
            self.assertEqual(self.refused(PULL, "registry.test/image:latest", settings=HASTY).code, fetcher.TIMEOUT)

    def test_name_server_without_the_name(self):
        self.bind("/etc/resolv.conf", "nameserver 192.0.2.7\noptions timeout:1 attempts:1\n")
        with NameServer("192.0.2.7"):
            failed = self.refused(PULL, "elsewhere.test/image:latest")
        self.assertIn("has no address", failed.message)

    def test_resolver_file_that_was_replaced(self):
        etc, bundle = self.state / "etc", self.state / "bundle.pem"
        etc.mkdir()
        shutil.copy("/etc/ssl/certs/ca-certificates.crt", bundle)
        (etc / "resolv.conf").write_text("nameserver 192.0.2.8\n", encoding="ascii")
        subprocess.run(["mount", "--bind", etc, "/etc"], check=True)
        self.addCleanup(subprocess.run, ["umount", "/etc"], check=True)
        process = self.fetcher(ca_file=str(bundle)).warm()
        self.addCleanup(process.kill)
        (etc / "new").write_text("nameserver 192.0.2.7\n# longer\n", encoding="ascii")
        (etc / "new").replace(etc / "resolv.conf")
        process.send(PULL, "registry.test/image:latest")
        with NameServer("192.0.2.7"), self.assertRaises(Failed) as caught:
            while True:
                kind, body, _ = process.receive()
                if kind == fetcher.FAILED:
                    process.fail(body)
        self.assertIn("/etc/resolv.conf was replaced", caught.exception.message)


class NameServer:
    """Knows registry.test, over UDP and TCP."""

    def __init__(self, address, silent=False):
        self.truncated, self.silent, self.asked = False, silent, []
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((address, 53))
        self.tcp = socket.create_server((address, 53))
        self.threads = [threading.Thread(target=target, daemon=True) for target in (self.serve_udp, self.serve_tcp)]

    def reply(self, question, truncated):
        at, labels = 12, []
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode().lower())
            at += 1 + question[at]
        name, kind, end = ".".join(labels), struct.unpack(">H", question[at + 1:at + 3])[0], at + 5
        self.asked.append((name, kind))
        known = name == "registry.test"
        address = struct.pack(">HHHIH", 0xC00C, 1, 1, 60, 4) + socket.inet_aton("192.0.2.7")
        answers = address if known and kind == 1 and not truncated else b""
        flags = 0x8180 | (0x0200 if truncated else 0) | (0 if known else 3)
        return question[:2] + struct.pack(">HHHHH", flags, 1, bool(answers), 0, 0) + question[12:end] + answers

    def serve_udp(self):
        while True:
            try:
                question, sender = self.udp.recvfrom(4096)
            except OSError:
                return
            if not question:
                return  # shut down
            if not self.silent:
                self.udp.sendto(self.reply(question, self.truncated), sender)

    def serve_tcp(self):
        while True:
            try:
                stream, _ = self.tcp.accept()
            except OSError:
                return
            with stream:
                while True:
                    head = stream.recv(2)
                    if len(head) < 2:
                        break
                    question = stream.recv(int.from_bytes(head, "big"))
                    reply = self.reply(question, False)
                    stream.sendall(len(reply).to_bytes(2, "big") + reply)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        for sock in (self.udp, self.tcp):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()
