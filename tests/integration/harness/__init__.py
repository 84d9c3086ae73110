# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the integration tests stand on: a private host for each test, bpfd on it, packets, maps and a bare client."""
