# SPDX-License-Identifier: MIT OR Apache-2.0
"""The little of sysusers.d(5) that bpfd's own file uses: `u NAME`, `g NAME`, `m USER GROUP`."""
import grp
import pathlib
import pwd
import shlex

NUMBERS = range(64200, 64500)  # free in Debian's policy: neither system nor login users


def numbers_free():
    taken = {entry.pw_uid for entry in pwd.getpwall()} | {entry.gr_gid for entry in grp.getgrall()}
    return iter(number for number in NUMBERS if number not in taken)


def rows(path):
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        words = shlex.split(line, comments=True)
        if words:
            yield words[0], words[1], words[2] if len(words) > 2 else "-"


def lines(path, without=()):
    """What to add to /etc/passwd and /etc/group; users that are there already are left alone."""
    numbers = numbers_free()
    users = {entry.pw_name for entry in pwd.getpwall()}
    groups = {entry.gr_name for entry in grp.getgrall()}
    passwd, group, members = "", {}, {}

    for kind, name, argument in rows(path):
        if kind == "m":
            members.setdefault(argument, []).append(name)
            continue
        if name in without:
            continue
        number = next(numbers)
        if kind == "u" and name not in users:
            passwd += f"{name}:x:{number}:{number}::/nonexistent:/usr/sbin/nologin\n"
        if name not in groups:
            group[name] = number
    return passwd, "".join(f"{name}:x:{number}:{','.join(members.get(name, []))}\n" for name, number in group.items())
