# SPDX-License-Identifier: MIT OR Apache-2.0
"""Markdown tables."""


def markdown(title, head, rows):
    lines = [f"### {title}", "", "| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def time(us):
    return f"{us / 1000:.2f} ms" if us >= 1000 else f"{us:.1f} µs"


def ratio(value, base, most):
    """`most` is what the project set itself; a figure beyond it is marked."""
    found = value / base
    return f"{found:.2f} (at most {most:g})" if found <= most else f"**{found:.2f}** (at most {most:g}: missed)"
