#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# bpfctl image build and generate-build-args: images are the same each time, other tools read them, and what is wrong is said.
# Usage: build_test.sh BPFCTL OBJECT_DIRECTORY
set -u
bpfctl=$1 objects=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
export LC_ALL=C.UTF-8
unset SOURCE_DATE_EPOCH
wrong=0

complain() {
	echo "FAIL: $*"
	wrong=1
}

# refused CODE WORDS ARGUMENT...: ends with that, says the words on standard error, and prints nothing else
refused() {
	local code=$1 words=$2 out got
	shift 2
	out=$("$bpfctl" image "$@" 2>err)
	got=$?
	if [ $got -ne "$code" ] || [ -n "$out" ] || ! grep -qF -- "$words" err; then
		complain "image $*: $got, $out$(cat err)"
	fi
}

# content NAME: what a blob holds whose JSON has that member
blob_with() {
	grep -lF "\"$1\"" "$2"/blobs/sha256/*
}

cp "$objects/sequence.bpf.o" "$objects/share.bpf.o" .
ref=localhost:5000/team/filter

# the same bytes, from another place, at another time, with another umask
"$bpfctl" image build -t $ref:v1 -o one sequence.bpf.o >one.txt || complain "one"
mkdir other && cp sequence.bpf.o other/ && touch -d 2001-01-01 other/sequence.bpf.o
(cd other && umask 077 && "$bpfctl" image build -t $ref:v1 -o two sequence.bpf.o >two.txt) || complain "two"
diff -r one other/two || complain "two images of one object differ"
digest=$(sed -n 's/.*sha256:\([0-9a-f]*\)$/\1/p' one.txt)
[ "$(sha256sum <"one/blobs/sha256/$digest" | cut -d' ' -f1)" = "$digest" ] || complain "the digest that was printed is not the manifest's"
for blob in one/blobs/sha256/*; do
	[ "$(sha256sum <"$blob" | cut -d' ' -f1)" = "${blob##*/}" ] || complain "$blob has another digest"
done
grep -qF '"io.ebpf.programs":"{\"sequence\":\"xdp\",\"sequence_second\":\"xdp\"}"' "$(blob_with io.ebpf.programs one)" ||
	complain "the label of the programs is wrong"
grep -qF '"io.ebpf.maps":"{\"frames\":\"array\"}"' "$(blob_with io.ebpf.maps one)" || complain "the label of the maps is wrong"
grep -qF '"created":"1970-01-01T00:00:00Z"' "$(blob_with created one)" || complain "the time is not 1970"
grep -qF '"org.opencontainers.image.ref.name":"v1"' one/index.json || complain "the tag is not in index.json"

# archives; several architectures; a time
for i in 1 2; do
	SOURCE_DATE_EPOCH=1700000000 "$bpfctl" image build -t $ref -o "$i.tar" -o json amd64=sequence.bpf.o arm64=sequence.bpf.o >"$i.json" ||
		complain "archive $i"
done
cmp 1.tar 2.tar || complain "two archives differ"
{ mkdir unpacked && tar -xf 1.tar -C unpacked; } || complain "tar does not read the archive"
grep -qF '"created":"2023-11-14T22:13:20Z"' "$(blob_with created unpacked | head -n 1)" || complain "the time is not SOURCE_DATE_EPOCH's"
grep -qF '"org.opencontainers.image.ref.name":"latest"' unpacked/index.json || complain "no tag is not latest"
{ grep -qF '"arm64"' 1.json && grep -qF '"output": "1.tar"' 1.json && grep -qF '"pushed": false' 1.json; } || complain "JSON: $(cat 1.json)"
"$bpfctl" image build -t $ref -o 1.tar share.bpf.o >/dev/null || complain "an archive is not replaced"
cmp -s 1.tar 2.tar && complain "the archive was not replaced"
[ -z "$(find . -name '*.tar.*')" ] || complain "something was left beside the archive"

if command -v skopeo >/dev/null; then
	skopeo inspect oci:one:v1 >inspect.json || complain "skopeo does not read the layout"
	grep -qF "sha256:$digest" inspect.json || complain "skopeo: another digest"
	skopeo copy -q --all oci-archive:2.tar:latest oci:copied:latest || complain "skopeo does not copy the archive"
	diff -r unpacked/blobs copied/blobs || complain "skopeo copied something else"
else
	echo "SKIP: no skopeo reads the images, because there is none"
fi

# build args
"$bpfctl" image generate-build-args sequence.bpf.o >args || complain "build args"
printf '%s\n' BYTECODE_FILE=sequence.bpf.o 'PROGRAMS={"sequence":"xdp","sequence_second":"xdp"}' 'MAPS={"frames":"array"}' | diff - args ||
	complain "build args are wrong"
"$bpfctl" image generate-build-args arm64=sequence.bpf.o amd64=other/sequence.bpf.o >args || complain "build args of two"
{ grep -qx BYTECODE_ARM64=sequence.bpf.o args && grep -qx BYTECODE_AMD64=other/sequence.bpf.o args; } || complain "build args of two: $(cat args)"
refused 1 'hold other programs or maps' generate-build-args arm64=sequence.bpf.o amd64=share.bpf.o

# what is wrong
head -c 200 sequence.bpf.o >cut.o
: >empty.o
refused 1 'has something in it' build -t $ref -o one sequence.bpf.o
refused 1 'is no directory' build -t $ref -o sequence.bpf.o sequence.bpf.o
refused 1 'No such file' build -t $ref -o no/such/place sequence.bpf.o
refused 1 'cannot read the object "nosuch.o": No such file' build -t $ref -o x nosuch.o
refused 1 'is no regular file' build -t $ref -o x .
refused 1 'is no regular file' build -t $ref -o x /dev/null
refused 1 'not eBPF' build -t $ref -o x /bin/true
refused 1 '' build -t $ref -o x cut.o
refused 1 '' build -t $ref -o x empty.o
refused 1 's390x is not' build -t $ref -o x s390x=sequence.bpf.o
refused 1 'two objects for amd64' build -t $ref -o x amd64=sequence.bpf.o amd64=share.bpf.o
refused 1 'no architecture that bpfd knows' build -t $ref -o x vax=sequence.bpf.o
refused 1 'names no architecture' build -t $ref -o x =sequence.bpf.o
refused 1 'names no registry' build -t filter -o x sequence.bpf.o
refused 1 'cannot be named by its digest' build -t "$ref@sha256:$digest" -o x sequence.bpf.o
refused 1 'cannot be reached' build -t localhost:1/filter --push sequence.bpf.o
refused 2 'is missing' build -t $ref -o x
SSL_CERT_FILE=/nosuch refused 1 'SSL_CERT_FILE names "/nosuch"' build -t $ref --push sequence.bpf.o
SOURCE_DATE_EPOCH=soon refused 1 'SOURCE_DATE_EPOCH is "soon"' build -t $ref -o x sequence.bpf.o
[ ! -e x ] || complain "a build that was refused left something"

[ $wrong = 0 ] && echo ok
exit $wrong
