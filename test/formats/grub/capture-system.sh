#!/bin/sh
# Captures what a real Debian 12 system's grub-mkconfig writes about itself, as a fixture of test/corpus:
#
#     unshare -m sh test/formats/grub/capture-system.sh FIXTURE ROOT
#
# ROOT is a tree made by debootstrap with grub-efi-amd64, initramfs-tools and some kernels:
#
#     debootstrap --include=grub-efi-amd64,initramfs-tools,linux-image-amd64,linux-image-cloud-amd64,btrfs-progs bookworm ROOT
#
# It is copied to a disk image with a partition table; grub-mkconfig runs in a chroot there, and its grub-probe sees
# that disk. Nothing is faked but the kernels in the fixture, which are one line each.
# Run as root. What needs device-mapper has a script of its own, capture-luks.sh.
set -eu
name=$1
root=$2
here=$(cd "$(dirname "$0")" && pwd)
corpus=$here/../../corpus/$name
work=$(mktemp -d)
image=$work/disk.img
truncate -s 4G "$image"
sfdisk -q "$image" <<'TABLE'
label: gpt
size=64MiB, type=uefi, uuid=11111111-2222-4333-8444-555555555501
type=linux, uuid=11111111-2222-4333-8444-555555555502
TABLE
loop=$(losetup --show -f "$image")
partx -a "$loop"
part=${loop}p2
# Where no udev makes nodes of partitions.
if [ ! -b "$part" ]; then mknod "$part" b $(tr ':' ' ' <"/sys/class/block/${part#/dev/}/dev"); fi
uuid=5e6f0c1a-9d3b-4c1e-8a77-0d1c2b3a4f52
# Without a link of udev's, grub-mkconfig names the root by its device.
link=/dev/disk/by-uuid/$uuid
mkdir -p "${link%/*}"
ln -sf "$part" "$link"
top=$work/top
mkdir "$top"
settings='GRUB_TIMEOUT=5'
case $name in
*-btrfs)
  mkfs.btrfs -q -U "$uuid" "$part"
  mount "$part" "$top"
  btrfs -q subvolume create "$top/@"
  btrfs -q subvolume create "$top/@snapshots"
  cp -a "$root/." "$top/@"
  umount "$top"
  mount -o subvol=@ "$part" "$top"
  mkdir "$top/.snapshots"
  ;;
*)
  mkfs.ext4 -q -U "$uuid" "$part"
  mount "$part" "$top"
  cp -a "$root/." "$top"
  ;;
esac
for directory in dev proc sys; do mount --rbind "/$directory" "$top/$directory"; done
echo "(hd0) $loop" >"$top/boot/grub/device.map"
echo "UUID=$uuid / auto defaults 0 1" >"$top/etc/fstab"
case $name in
*-xen)
  for package in "$top"/var/cache/apt/archives/xen-hypervisor-*.deb; do
    chroot "$top" dpkg --force-depends -i "${package#"$top"}" >/dev/null 2>&1 || true
  done
  settings="$settings GRUB_CMDLINE_XEN_DEFAULT=dom0_mem=1G GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT=console=hvc0"
  ;;
*-btrfs)
  # As the grub-btrfs package does it: a submenu that opens a file of its own, which is made anew for each snapshot.
  cp "$here/41_snapshots" "$top/etc/grub.d/41_snapshots-btrfs"
  chmod 755 "$top/etc/grub.d/41_snapshots-btrfs"
  for number in 1 2; do
    mkdir -p "$work/snapshots"
    mount -o subvol=@snapshots "$part" "$work/snapshots"
    mkdir "$work/snapshots/$number"
    btrfs -q subvolume snapshot -r "$top" "$work/snapshots/$number/snapshot"
    umount "$work/snapshots"
  done
  ;;
esac
printf 'GRUB_DISTRIBUTOR=Debian\nGRUB_CMDLINE_LINUX_DEFAULT=quiet\nGRUB_CMDLINE_LINUX=\n' >"$top/etc/default/grub"
for setting in $settings; do echo "$setting"; done >>"$top/etc/default/grub"
chroot "$top" grub-mkconfig -o /boot/grub/grub.cfg
sed -i "s,$part,/dev/vda2,g;s,$loop,/dev/vda,g" "$top/boot/grub/grub.cfg"
case $name in
*-btrfs) target=$corpus/vda2/@/boot ;;
*) target=$corpus/vda2/boot ;;
esac
mkdir -p "$target/grub"
install -m 644 "$top/boot/grub/grub.cfg" "$target/grub/grub.cfg"
chroot "$top" grub-editenv /boot/grub/grubenv create
install -m 644 "$top/boot/grub/grubenv" "$target/grub/grubenv"
test ! -e "$top/boot/grub/grub-btrfs.cfg" || install -m 644 "$top/boot/grub/grub-btrfs.cfg" "$target/grub/grub-btrfs.cfg"
for file in "$top"/boot/vmlinuz-* "$top"/boot/initrd.img-* "$top"/boot/xen-*.gz "$top"/boot/xen-*.efi; do
  test ! -e "$file" || echo "stands for ${file##*/}" >"$target/${file##*/}"
done
umount -R "$top"
rm "$link"
partx -d "$loop"
losetup -d "$loop"
rm -rf "$work"
