# SPDX-License-Identifier: MIT OR Apache-2.0
"""
Tables of what `scale` found, and what is expected of their growth: a step is from one size to one ten times as large (five times,
for the clients).
"""
from . import table

MARK = "<!-- scale: "
NOISE = 2  # a curve that does not grow by more than this factor from the smallest size to the largest counts as flat
LINEAR_NOISE = 1.5
FLAT = ("load", "unload", "attach", "detach", "attach alone", "get program", "get link")
LISTS = ("list programs", "list links")


def growth(first, last, most):
    found = last / first if first > 0 else float("inf")
    return f"{found:.2f} (at most {most:g})" if found <= most else f"**{found:.2f}** (at most {most:g}: missed)"


def row_make(name, cells, values, most):
    return [name, *cells, growth(values[0], values[-1], most)]


def pair(operation):
    return f"{table.time(operation['p50_us'])}, {table.time(operation['p99_us'])}"


def operation_rows(sizes):
    factor = sizes[-1]["count"] / sizes[0]["count"]
    for name in FLAT + LISTS:
        found = [size["operations"][name] for size in sizes if name in size["operations"]]
        if found:
            yield row_make(name, [pair(one) for one in found], [one["p50_us"] for one in found],
                           NOISE if name in FLAT else factor * LINEAR_NOISE)


def restart_rows(sizes):
    values = [size["restart"]["start_s"] for size in sizes]
    factor = sizes[-1]["count"] / sizes[0]["count"]
    yield row_make("restart: until READY", [f"{value * 1000:,.0f} ms" for value in values], values, factor * LINEAR_NOISE)
    yield ["links adopted", *(f"{size['restart']['adopted']:,}" for size in sizes), ""]


def memory_total(size, key):
    return sum(role[key] for role in size["memory"].values())


def memory_rows(sizes):
    """The smallest size says nothing of one item's share: pages are larger than what ten items take."""
    for what in ("program", "link"):
        for role in sizes[-1][f"per_{what}"]:
            values = [size[f"per_{what}"].get(role, {"rss": 0, "pss": 0}) for size in sizes]
            yield [f"{role}, of one {what}", *(f"{one['rss']:,.0f} B, {one['pss']:,.0f} B" for one in values)]
    yield ["all roles together", *(f"{memory_total(size, 'rss_kib'):,} KiB, {memory_total(size, 'pss_kib'):,} KiB"
                                   for size in sizes)]


def client_rows(rows):
    """The time that one answer costs is what must not grow; that a client among many waits longer is no fault."""
    for name in ("get program", "list programs"):
        found = [row["operations"][name] for row in rows]
        costs = [1e6 / one["per_s"] for one in found]
        yield row_make(f"{name}: p50, p99", [pair(one) for one in found], [one["p50_us"] for one in found],
                       rows[-1]["count"] / rows[0]["count"] * LINEAR_NOISE)
        yield row_make(f"{name}: time of the service for each", [table.time(cost) for cost in costs], costs, NOISE)
        if any("refused" in one for one in found):
            yield [f"{name}: refused", *(one.get("refused", 0) for one in found), ""]
    yield ["frontend: resident, proportional", *("{rss_kib:,} KiB, {pss_kib:,} KiB".format(**row["memory"]["frontend"])
                                                 for row in rows), ""]


def head(rows, what):
    return ["", *(f"{row['count']:,} {what}" for row in rows)]


def tables(found):
    sizes, clients = found["sizes"], found["clients"]
    interfaces = ", ".join(str(size["interfaces"]) for size in sizes)
    return "\n".join((
        table.markdown(f"Scale: as many programs as links ({found['links']}, on {interfaces} interfaces); p50, p99",
                       [*head(sizes, "of each"), "growth of p50"], [*operation_rows(sizes), *restart_rows(sizes)]),
        table.markdown("Scale: memory, resident and proportional", head(sizes, "of each"), memory_rows(sizes)),
        table.markdown(f"Scale: clients at once, with {sizes[-1]['count']:,} programs loaded",
                       [*head(clients, "clients"), "growth"], client_rows(clients))))
