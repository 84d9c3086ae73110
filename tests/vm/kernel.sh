# SPDX-License-Identifier: MIT OR Apache-2.0
# Sourced by tests/vm/run: fetches and unpacks a kernel of tests/vm/kernels. Nothing is installed on the host.
# shellcheck shell=bash
: "${vm_source:?set by tests/vm/run}"

archive_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# kernel_row NAME: its suite and meta package
kernel_row() {
	awk -v name="$1" '!/^#/ && $1 == name { print $2, $3; found = 1 } END { exit !found }' "$vm_source/kernels" ||
		vm_fail "no kernel \"$1\" in tests/vm/kernels: use one of $(awk '!/^#/ { printf "%s ", $1 }' "$vm_source/kernels")"
}

# archive_url CODENAME: where this machine's own configuration gets Debian's CODENAME from; the other suites lie beside it
archive_url() {
	# shellcheck disable=SC2016 # apt fills these in
	apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(SITE)' 'Created-By: Packages' |
		awk -v codename="$1" '$1 == codename && $2 == "main" { print $3; found = 1; exit } END { exit !found }' ||
		vm_fail "apt has no source for $1 main: kernels of other suites are fetched from the same place"
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

# meta_depends PACKAGE [APT OPTION...]: the versioned kernel package behind the meta package, if apt knows it
meta_depends() {
	apt-cache "${@:2}" depends "$1" 2>/dev/null | awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }'
}

# kernel_download SUITE META DIRECTORY: leaves exactly one .deb in DIRECTORY
kernel_download() {
	local suite=$1 meta=$2 directory=$3 package
	local -a options

	mapfile -t options < <(apt_options "$suite" "$directory/apt")
	package=$(meta_depends "$meta" "${options[@]}")
	# The lists may be older than the archive, which keeps only the newest kernel: ask once more after an update.
	if [ -z "$package" ] || ! (cd "$directory" && apt-get "${options[@]}" -q download "$package"); then
		apt-get "${options[@]}" -q update
		package=$(meta_depends "$meta" "${options[@]}")
		[ -n "$package" ] || vm_fail "apt knows no $meta in $suite: check the machine's package sources"
		(cd "$directory" && apt-get "${options[@]}" -q download "$package")
	fi
}

# kernel_unpack SUITE META DIRECTORY: DIRECTORY/tree as dpkg unpacks it, DIRECTORY/version
kernel_unpack() {
	local suite=$1 meta=$2 directory=$3 version

	rm -rf "$directory"
	mkdir -p "$directory"
	kernel_download "$suite" "$meta" "$directory"
	dpkg -x "$directory"/linux-image-*.deb "$directory/tree"
	rm -rf "$directory"/linux-image-*.deb "$directory/apt"
	version=$(basename "$directory"/tree/lib/modules/*)
	depmod -b "$directory/tree" "$version"
	printf '%s\n' "$version" >"$directory/version"
}

# kernel_prepare NAME DIRECTORY: as kernel_unpack, once; two runs that start together wait for each other
kernel_prepare() {
	local name=$1 directory=$2 row suite meta lock

	row=$(kernel_row "$name")
	read -r suite meta <<<"$row"
	mkdir -p "$(dirname "$directory")"
	exec {lock}>"$directory.lock"
	flock "$lock"
	if [ ! -s "$directory/version" ]; then
		vm_say "fetching kernel $name ($meta of $suite)"
		kernel_unpack "$suite" "$meta" "$directory" >"$directory.log" 2>&1 ||
			vm_fail "kernel $name could not be fetched: $(tail -n 3 "$directory.log" | tr '\n' ' ')"
	fi
	initramfs_prepare "$directory"
	exec {lock}>&-
}
