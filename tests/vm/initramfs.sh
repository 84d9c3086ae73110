# SPDX-License-Identifier: MIT OR Apache-2.0
# Sourced by tests/vm/run: the initramfs of one kernel: busybox, the modules that reach the host's files, tests/vm/init.
# shellcheck shell=bash
: "${vm_source:?set by tests/vm/run}"

initramfs_modules="virtio_pci virtio_console 9pnet_virtio 9p overlay"

# initramfs_modules_copy KERNEL DIRECTORY: the modules with what they need, decompressed, and `modules` in loading order
initramfs_modules_copy() {
	local kernel=$1 directory=$2 version path name

	version=$(cat "$kernel/version")
	# shellcheck disable=SC2086 # a list of words
	for name in $initramfs_modules; do
		modprobe -S "$version" -d "$kernel/tree" --show-depends "$name"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r path; do
		name=$(basename "$path")
		case $name in
		*.xz) name=${name%.xz} && xz -dc "$path" >"$directory/modules/$name" ;;
		*.zst) name=${name%.zst} && zstd -qdc "$path" >"$directory/modules/$name" ;;
		*) cp "$path" "$directory/modules/$name" ;;
		esac
		printf '%s\n' "$name" >>"$directory/modules/order"
	done
}

initramfs_build() {
	local kernel=$1 directory

	directory=$(mktemp -d)
	mkdir -p "$directory"/{bin,modules,proc,sys,dev,lower,upper,new}
	cp "$(command -v busybox)" "$directory/bin/busybox"
	cp "$vm_source/init" "$directory/init"
	chmod 0755 "$directory/init"
	initramfs_modules_copy "$kernel" "$directory"
	(cd "$directory" && find . | cpio -o -H newc --quiet | gzip -1) >"$kernel/initramfs.new"
	mv "$kernel/initramfs.new" "$kernel/initramfs"
	rm -rf "$directory"
}

# initramfs_prepare KERNEL: KERNEL/initramfs, made anew when what it is made from has changed
initramfs_prepare() {
	local kernel=$1 digest

	digest=$(cat "$vm_source/init" "$vm_source/initramfs.sh" "$kernel/version" | sha256sum)
	if [ ! -s "$kernel/initramfs" ] || [ "$(cat "$kernel/initramfs.digest" 2>/dev/null)" != "$digest" ]; then
		initramfs_build "$kernel"
		printf '%s\n' "$digest" >"$kernel/initramfs.digest"
	fi
}
