# SPDX-License-Identifier: MIT OR Apache-2.0
# Sourced by tests/vm/run: fetches and unpacks a kernel of tests/vm/kernels. Nothing is installed on the host.
# shellcheck shell=bash
: "${vm_source:?set by tests/vm/run}"

# shellcheck source=scripts/archive.sh
. "$vm_source/../../scripts/archive.sh"

# kernel_row NAME: its suites and meta package
kernel_row() {
	awk -v name="$1" '!/^#/ && $1 == name { print $2, $3; found = 1 } END { exit !found }' "$vm_source/kernels" ||
		vm_fail "no kernel \"$1\" in tests/vm/kernels: use one of $(awk '!/^#/ { printf "%s ", $1 }' "$vm_source/kernels")"
}

# package_depends PACKAGE PATTERN [APT OPTION...]: those packages it depends on whose names match
package_depends() {
	apt-cache "${@:3}" depends "$1" 2>/dev/null | awk -v pattern="$2" '$1 == "Depends:" && $2 ~ pattern { print $2 }'
}

# package_version PACKAGE [APT OPTION...]
package_version() {
	apt-cache "${@:2}" show --no-all-versions "$1" | awk '$1 == "Version:" { print $2; exit }'
}

# meta_look_up META [APT OPTION...]: the versioned kernel package behind the meta package and its version, if apt knows it
meta_look_up() {
	local package

	package=$(package_depends "$1" '^linux-image-' "${@:2}" | head -n 1)
	[ -n "$package" ] && printf '%s %s\n' "$package" "$(package_version "$package" "${@:2}")"
}

# suite_choose SUITES META DIRECTORY: of the suites (with commas between), the one with the newest kernel: `SUITE PACKAGE`
suite_choose() {
	local meta=$2 directory=$3 suite package version chosen='' newest=0
	local -a options

	for suite in ${1//,/ }; do
		apt_options "$suite" "$directory/$suite" >"$directory/options" || return
		mapfile -t options <"$directory/options"
		# The lists may be older than the archive, which keeps only the newest kernel.
		apt-get "${options[@]}" -q update >&2 || continue
		read -r package version < <(meta_look_up "$meta" "${options[@]}") || continue
		if dpkg --compare-versions "$version" gt "$newest"; then
			chosen="$suite $package" newest=$version
		fi
	done
	if [ -z "$chosen" ]; then
		echo "apt finds no $meta in $1: check the machine's package sources" >&2
		return 1
	fi
	printf '%s\n' "$chosen"
}

# kernel_download SUITES META DIRECTORY: leaves the packages of one kernel in DIRECTORY; newer ones come in parts
kernel_download() {
	local suites=$1 meta=$2 directory=$3 chosen suite package
	local -a options parts

	mkdir -p "$directory/apt"
	chosen=$(suite_choose "$suites" "$meta" "$directory/apt") || return
	read -r suite package <<<"$chosen"
	apt_options "$suite" "$directory/apt/$suite" >"$directory/apt/options" || return
	mapfile -t options <"$directory/apt/options"
	mapfile -t parts < <(package_depends "$package" '^linux-(base|binary|modules)-[0-9]' "${options[@]}")
	(cd "$directory" && apt-get "${options[@]}" -q download "$package" "${parts[@]}")
}

# kernel_gather DIRECTORY: from Linux 7 on Debian has everything below /usr; DIRECTORY/tree then gets links from where it was
kernel_gather() {
	local tree=$1/tree version image

	mkdir -p "$tree/lib" "$tree/boot"
	[ -d "$tree/lib/modules" ] || ln -s ../usr/lib/modules "$tree/lib/modules" || return
	for image in "$tree"/lib/modules/*/vmlinuz; do
		[ -e "$image" ] || continue
		version=$(basename "$(dirname "$image")")
		ln -s "../lib/modules/$version/vmlinuz" "$tree/boot/vmlinuz-$version" || return
	done
}

# kernel_unpack DIRECTORY: DIRECTORY/tree as dpkg unpacks it, and DIRECTORY/version, which is there only when all went well
kernel_unpack() {
	local directory=$1 package version

	for package in "$directory"/*.deb; do
		dpkg -x "$package" "$directory/tree" || return
	done
	kernel_gather "$directory" || return
	version=$(basename "$directory"/tree/boot/vmlinuz-*)
	version=${version#vmlinuz-}
	depmod -b "$directory/tree" "$version" || return
	rm -rf "$directory"/*.deb "$directory/apt"
	printf '%s\n' "$version" >"$directory/version"
}

# kernel_fetch SUITES META DIRECTORY: its output says why, when it fails
kernel_fetch() {
	rm -rf "$3"
	mkdir -p "$3"
	kernel_download "$1" "$2" "$3" && kernel_unpack "$3"
}

# What ended the run before it began: this kernel cannot be had here.
kernel_missing() {
	vm_say "kernel $1 could not be fetched: $(tail -n 3 "$2" | tr '\n' ' ')"
	exit 77
}

# kernel_prepare NAME DIRECTORY: as kernel_fetch, once; two runs that start together wait for each other
kernel_prepare() {
	local name=$1 directory=$2 row suites meta lock

	row=$(kernel_row "$name") || exit
	read -r suites meta <<<"$row"
	mkdir -p "$(dirname "$directory")"
	exec {lock}>"$directory.lock"
	flock "$lock"
	if [ ! -s "$directory/version" ]; then
		vm_say "fetching kernel $name ($meta of $suites)"
		kernel_fetch "$suites" "$meta" "$directory" >"$directory.log" 2>&1 || kernel_missing "$name" "$directory.log"
	fi
	initramfs_prepare "$directory"
	exec {lock}>&-
}
