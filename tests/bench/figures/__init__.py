# SPDX-License-Identifier: MIT OR Apache-2.0
"""What tests/bench/run measures, a module for each table."""
