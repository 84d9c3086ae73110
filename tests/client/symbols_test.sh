#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# The shared library exports what the public headers declare, with versions, and nothing else; each of them is C and C++ by itself; the
# example in libbpfd(3) is the one that is built. Usage: symbols_test.sh SOURCE-DIRECTORY LIBRARY
set -eu
source=$1 library=$2
headers=$source/client/include/bpfd
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

grep -oh '\bbpfd_[a-z_]*(' "$headers"/*.h | tr -d '(' | sort -u >"$work/declared"
nm -D --defined-only "$library" | awk '$2 == "T" || $2 == "D" || $2 == "B" || $2 == "R" { print $3 }' >"$work/all"
sed -n 's/@@LIBBPFD_0\.1$//p' "$work/all" | sort -u >"$work/exported"
diff -u "$work/declared" "$work/exported"
test "$(wc -l <"$work/all")" = "$(wc -l <"$work/exported")"
readelf -d "$library" | grep -q 'SONAME.*\[libbpfd\.so\.0\]'

for header in "$headers"/*.h; do
	printf '#include <bpfd/%s>\nint main(void) { return 0; }\n' "${header##*/}" >"$work/plain.cc"
	cp "$work/plain.cc" "$work/plain.c"
	cc -std=c99 -pedantic -Wall -Wextra -Werror -I"$source/client/include" -fsyntax-only "$work/plain.c"
	command -v c++ >/dev/null || continue
	c++ -std=c++11 -pedantic -Wall -Wextra -Werror -I"$source/client/include" -fsyntax-only "$work/plain.cc"
done
command -v c++ >/dev/null || echo "SKIP: the headers are not tried as C++, because there is no c++"

sed -n '/^\.Bd -literal$/,/^\.Ed$/p' "$source/docs/man/libbpfd.3" | sed '1d;$d;s/\\e/\\/g' >"$work/shown"
sed -n '/^#include/,$p' "$source/client/examples/list_programs.c" | diff -u - "$work/shown"
