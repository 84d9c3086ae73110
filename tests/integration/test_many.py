# SPDX-License-Identifier: MIT OR Apache-2.0
"""More of everything than fits what a role has at hand: what is asked about it is answered, by the same processes."""
from harness import sp
from harness.host import test
from harness.outcome import check, check_equal

NEEDS = ("no kernel",)  # lists that are long

PROGRAMS = 300  # with a map each: an array of their ids is larger than 1 KiB


@test()
def hundreds_of_maps(host):
    daemon = host.bpfd()
    before = daemon.roles()["frontend"]
    program = sp.field(1, 1) + sp.field(2, "sequence") + sp.field(3, 1)
    body = sp.field(1, daemon.object("sequence").read_bytes()) + sp.field(2, program)
    with daemon.client(timeout_s=60) as client:
        for _ in range(PROGRAMS):
            check_equal(client.call(sp.LOAD, body)[0], 2, "the answer's kind")
    status = daemon.ask("status")
    check(status["maps"] >= PROGRAMS, f"{status['maps']} maps")
    check_equal(len(daemon.programs()), PROGRAMS, "programs")
    for what in ("links", "maps"):
        check(isinstance(daemon.ask("list", what), list), f"no list of {what}")
    check_equal(daemon.roles()["frontend"], before, "the frontend's pid")
