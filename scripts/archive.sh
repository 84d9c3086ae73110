# SPDX-License-Identifier: MIT OR Apache-2.0
# Sourced by those that fetch packages of other releases of Debian's than this machine runs: from where its own apt gets Debian from.
# shellcheck shell=bash

archive_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# archive_url CODENAME: where this machine's own configuration gets Debian's CODENAME from; the other suites lie beside it
archive_url() {
	# shellcheck disable=SC2016 # apt fills these in
	apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(SITE)' 'Created-By: Packages' |
		awk -v codename="$1" '$1 == codename && $2 == "main" { print $3; found = 1; exit } END { exit !found }' && return
	echo "apt has no source for $1 main: packages of other suites are fetched from the same place" >&2
	return 1
}

# apt_options SUITE DIRECTORY: one option a line; none where the host's own configuration has the suite
apt_options() {
	local suite=$1 directory=$2 codename url

	codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME-}")
	[ "$suite" = "$codename" ] && return 0
	url=$(archive_url "$codename") || return
	mkdir -p "$directory/lists/partial" "$directory/cache/archives/partial"
	printf 'deb [signed-by=%s] %s %s main\n' "$archive_keyring" "$url" "$suite" >"$directory/sources.list"
	printf '%s\n' -o "Dir::Etc::sourcelist=$directory/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o "Dir::State::Lists=$directory/lists" -o "Dir::Cache=$directory/cache"
}
