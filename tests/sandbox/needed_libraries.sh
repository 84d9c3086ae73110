#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# needed_libraries.sh BIN_DIRECTORY POLICY_DIRECTORY: each role's binary needs exactly the shared libraries that its policy
# names, and the privileged ones hold no code that reads strangers' bytes.
set -eu
bin=$1
policies=$2
wrong=0

complain() {
	echo "$1"
	wrong=1
}

# The libraries that seccomp/<role>.policy names, sorted.
named() {
	sed -n 's/#.*//; s/^needed //p' "$policies/$1.policy" | tr ' ' '\n' | sed '/^$/d' | sort
}

needed() {
	readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort
}

# role binary
check_needed() {
	if [ "$(named "$1")" != "$(needed "$bin/$2")" ]; then
		complain "$2 needs $(needed "$bin/$2" | tr '\n' ' ')but $1.policy names $(named "$1" | tr '\n' ' ')"
	fi
}

# binary pattern what: no symbol, static or dynamic, defined or not
check_without() {
	found=$({ nm "$bin/$1"; nm -D "$bin/$1"; } | awk '{ print $NF }' | grep -E "$2" | sort -u | head -n 3 || true)
	if [ -n "$found" ]; then
		complain "$1 holds $3: $(echo "$found" | tr '\n' ' ')"
	fi
}

# A binary without a symbol table would pass every check_without: main is in all of them.
check_symbols() {
	nm "$bin/$1" | grep -q ' T main$' || complain "$1 has no symbols to look at"
}

check_needed launcher bpfd
check_needed broker bpfd-broker
check_needed gate bpfd-broker
check_needed frontend bpfd-frontend
check_needed loader bpfd-loader
check_needed opener bpfd-opener
check_needed fetcher bpfd-fetcher
check_needed verifier bpfd-verifier
check_needed image bpfd-image

for binary in bpfd bpfd-broker bpfd-opener; do
	check_symbols "$binary"
	check_without "$binary" '^bpf_object__|^bpf_program__|^btf__' "libbpf's object loader"
	check_without "$binary" '^elf_|^gelf_|^elf32_|^elf64_' 'libelf'
	check_without "$binary" '^protobuf_c_' 'protobuf-c'
	check_without "$binary" '^nng_|^nni_' 'nng'
	check_without "$binary" '^inflate|^gz(open|read)' 'zlib'
	check_without "$binary" '^curl_|^SSL_|^EVP_|^X509_|^archive_|^json_' 'code that images are fetched, unpacked and verified with'
done
check_symbols bpfd-frontend
check_without bpfd-frontend '^bpf_object__|^elf_|^mdb_' 'libbpf, libelf or the store'
check_without bpfd-frontend '^nng_|^nni_' 'nng'
check_without bpfd-frontend '^curl_|^SSL_|^EVP_|^X509_|^archive_|^json_' 'code that images are fetched, unpacked and verified with'
check_symbols bpfd-loader
check_without bpfd-loader '^protobuf_c_|^mdb_|^nng_' "protobuf-c, the store or nng"

# The checks can fail: the loader does hold what the others may not.
nm "$bin/bpfd-loader" | grep -q ' bpf_object__open' || complain 'bpfd-loader holds no libbpf: these checks prove nothing'
nm "$bin/bpfd-fetcher" | grep -q ' EVP_' || complain 'bpfd-fetcher holds no OpenSSL: these checks prove nothing'
nm "$bin/bpfd-frontend" | grep -q ' protobuf_c_' || complain 'bpfd-frontend holds no protobuf-c: these checks prove nothing'

exit $wrong
