#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# completion_test.sh SHELL BPFCTL: the shell takes the script that "bpfctl completion SHELL" prints, and is offered the right words.
# Ids, which need a server, are in bpfctl_test.c.
# shellcheck disable=SC2016,SC2317 # what is quoted is for the other shell, and functions are called by name
set -uo pipefail

shell=$1 bpfctl=$2
if ! command -v "$shell" >/dev/null; then
	echo "SKIP: $shell is not installed"
	exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ln -s "$bpfctl" "$work/bpfctl"
export PATH="$work:$PATH" HOME="$work" script="$work/script"
mkdir "$work/files" && touch "$work/files/filter.o"
failed=0

fail() {
	printf 'FAIL: %s\n' "$*"
	failed=1
}

# offered_SHELL LINE: what is offered after "bpfctl LINE", a word a line. The words of LINE have no blanks in them.
offered_bash() {
	bash --norc -c 'source "$script"; IFS=" "; line=${1//=/ = }
		read -ra COMP_WORDS <<<"bpfctl $line"
		[[ $line == *" " || -z $line ]] && COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _bpfctl; printf "%s\n" "${COMPREPLY[@]}"' bash "$1"
}

# zsh gives these functions to completion alone: here they say what they are asked for.
offered_zsh() {
	zsh -f -c 'compdef() { }
		compset() { cur=${cur##${~2}} }
		_files() { print -rl -- $cur*(N) }
		compadd() { local word; for word in ${(P)@[-1]}; do [[ $word == ${cur##*,}* ]] && print -r -- $word; done }
		source "$script"
		words=(bpfctl ${=1}); [[ $1 == *" " || -z $1 ]] && words+=("")
		CURRENT=$#words
		_bpfctl' zsh "$1"
}

offered_fish() {
	fish --no-config -c 'source $script; complete -C "bpfctl $argv[1]"' -- "$1" | cut -f 1
}

# offers LINE WORD... [only]: all of the words, and with a last word "only" no others
offers() {
	local line=$1 got word
	shift
	got=$("offered_$shell" "$line" 2>&1 | sed 's/^--[a-z-]*=//; s/^.*,//')
	for word in "$@"; do
		if [ "$word" = only ]; then
			[ "$(grep -c . <<<"$got")" = $(($# - 1)) ] || fail "\"$line\" offers more than $*: $got"
		elif ! grep -qxF -e "$word" <<<"$got"; then
			fail "\"$line\" does not offer $word: $got"
		fi
	done
}

# refuses LINE WORD...: none of the words
refuses() {
	local line=$1 got word
	shift
	got=$("offered_$shell" "$line" 2>&1)
	for word in "$@"; do
		grep -qxF -e "$word" <<<"$got" && fail "\"$line\" offers $word"
	done
}

bpfctl completion "$shell" >"$script" || fail "bpfctl completion $shell ended with $?"
"$shell" -n "$script" || fail "$shell does not take the script"

offers "" load attach detach unload list get status version completion
offers "at" attach only
offers "load " file image only
offers "image " pull list inspect verify remove build generate-build-args only
offers "image pull --pull-policy " always if-not-present never only
offers "load image x --p" --program --persist --pull-policy --password-stdin only
offers "get " program link only
offers "completion " bash zsh fish only
offers "-o json li" list only
offers "--socket /nonexistent --timeout 5 list " programs links maps only
offers "attach " xdp tracepoint fentry perf_event
offers "attach tp" tp_btf only
offers "list programs --type tp" tp_btf only
offers "list programs --" --type --application --metadata --socket --output
refuses "list programs --" --iface --program
offers "attach xdp --" --iface --priority --proceed-on --mode --exclusive --metadata --timeout --help
refuses "attach xdp --" --target --function --direction
offers "attach fentry --" --metadata
refuses "attach fentry --" --iface --target
offers "attach kprobe 5 --o" --offset --output only
offers "attach xdp --iface l" lo
offers "attach xdp --iface=l" lo
offers "attach xdp 5 --mode " native generic only
offers "attach xdp 5 --mode=g" generic only
offers "attach xdp 5 --proceed-on dr" drop only
offers "attach xdp 5 --proceed-on pass,d" drop dispatcher_return only
offers "attach tc 5 --proceed-on pass,s" shot stolen only
offers "attach tc 5 --direction " ingress egress only
offers "-o " table json only
offers "--output=j" json only
offers "status -" --socket --output --timeout --help --version
offers "load file $work/files/f" "$work/files/filter.o"
refuses "status " file xdp load

[ $failed = 0 ] && echo "ok: $shell"
exit $failed
