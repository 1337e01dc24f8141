#!/bin/sh
# Captures openSUSE's snapshot menus, as a fixture of test/corpus:
#
#     unshare -m sh test/formats/grub/capture-suse.sh FIXTURE PLUGIN PREFIX
#
# On a btrfs laid out as openSUSE's installer lays it out, snapper itself makes the snapshots, and openSUSE's own
# grub2-snapper-plugin.sh (PLUGIN; it is a source of their grub2 package) writes the menus. PREFIX is where Debian's
# snapper, libsnapper6, libbtrfs0, libboost-thread1.74.0 and libxml2-utils were unpacked (dpkg -x). What this has from
# us are the kernels, one line each, and grub.cfg, which only openSUSE's patched grub2-mkconfig writes: it is that of the
# fixture grub-opensuse with the lines that 00_header and 80_suse_btrfs_snapshot add there. Run as root.
set -eu
name=$1
plugin=$2
prefix=$3
here=$(cd "$(dirname "$0")" && pwd)
corpus=$here/../../corpus
work=$(mktemp -d)
truncate -s 512M "$work/disk.img"
loop=$(losetup --show -f "$work/disk.img")
uuid=b7e1c2d3-4f50-4a61-8b72-93c4d5e6f708
mkfs.btrfs -q -U "$uuid" "$loop"
top=$work/top
system=$work/system
mkdir "$top" "$system"
mount "$loop" "$top"
btrfs -q subvolume create "$top/@"
btrfs -q subvolume create "$top/@/.snapshots"
mkdir "$top/@/.snapshots/1"
btrfs -q subvolume create "$top/@/.snapshots/1/snapshot"
root=$top/@/.snapshots/1/snapshot
btrfs subvolume set-default "$root"
mkdir -p "$root/boot/grub2" "$root/etc/snapper/configs" "$root/etc/default" "$root/.snapshots" "$root/var/log" "$root/tmp"
printf 'NAME="openSUSE Leap"\nVERSION="15.6"\n' >"$root/etc/os-release"
for version in 6.4.0-150600.21 6.4.0-150600.23.7; do
  for file in vmlinuz initrd; do echo "stands for $file-$version-default" >"$root/boot/$file-$version-default"; done
done
kernel() { for file in vmlinuz initrd; do ln -sf "$file-$1-default" "$root/boot/$file"; done; }
configuration() {
  original=$corpus/grub-opensuse/vda2/@/.snapshots/1/snapshot/boot/grub2/grub.cfg
  sed "/^menuentry/,\$d" "$original"
  cat <<'LINES'
if [ -n "$extra_cmdline" ]; then
  submenu "Bootable snapshot #$snapshot_num" {
    menuentry "If OK, run 'snapper rollback' and reboot." { true; }
  }
fi
LINES
  # 10_linux there puts $extra_cmdline on each command line.
  changes="s/6.11.8-1/$1/g;s/Tumbleweed/Leap 15.6/g;s/ \(splash=\|single\)/ \${extra_cmdline} \1/"
  sed -n "/^menuentry/,\$p" "$original" | sed "/^if \[ -f .*snapper.cfg/,\$d;$changes"
  cat <<'LINES'
btrfs-mount-subvol ($root) /.snapshots @/.snapshots
if [ -f "/.snapshots/grub-snapshot.cfg" ]; then
  source "/.snapshots/grub-snapshot.cfg"
fi
LINES
}
kernel 6.4.0-150600.21
configuration 6.4.0-150600.21 >"$root/boot/grub2/grub.cfg"
printf 'SUBVOLUME="/"\nFSTYPE="btrfs"\nQGROUP=""\n' >"$root/etc/snapper/configs/root"
echo 'SNAPPER_CONFIGS="root"' >"$root/etc/default/snapper"
cat >"$top/@/.snapshots/1/info.xml" <<'INFO'
<?xml version="1.0"?>
<snapshot><type>single</type><num>1</num><date>2024-06-12 09:00:00</date><description>first root filesystem</description></snapshot>
INFO
# The running system: this machine's programs on openSUSE's disk.
mount "$loop" "$system"
mount -o subvol=@/.snapshots "$loop" "$system/.snapshots"
mkdir -p "$system/usr" "$system/dev" "$system/proc" "$system/sys" "$system/run" "$system/opt"
for link in bin sbin lib lib64; do ln -s "usr/$link" "$system/$link"; done
for directory in usr dev proc sys; do mount --rbind "/$directory" "$system/$directory"; done
mount --bind "$prefix" "$system/opt"
in_system() { chroot "$system" env LD_LIBRARY_PATH=/opt/usr/lib/x86_64-linux-gnu PATH=/opt/usr/bin:/usr/bin:/usr/sbin "$@"; }
pre=$(in_system snapper --no-dbus create -t pre -p -d "zypp(zypper)" -u important=yes)
kernel 6.4.0-150600.23.7
configuration 6.4.0-150600.23.7 >"$root/boot/grub2/grub.cfg"
in_system snapper --no-dbus create -t post --pre-number "$pre" -u important=yes
in_system snapper --no-dbus create -d "before the \"big\" change"
sed 's,/grub2-\(mkrelpath\|script-check\)",/grub-\1",' "$plugin" >"$system/tmp/plugin"
in_system bash /tmp/plugin --enable
target=$corpus/$name/vda2/@/.snapshots
rm -rf "$target"
mkdir -p "$target"
cp "$system/.snapshots/grub-snapshot.cfg" "$target"
for directory in "$system"/.snapshots/[0-9]*; do
  number=${directory##*/}
  mkdir -p "$target/$number/snapshot"
  cp -P "$directory"/info.xml "$target/$number"
  if [ -f "$directory/grub-snapshot.cfg" ]; then cp "$directory/grub-snapshot.cfg" "$target/$number"; fi
  cp -a "$directory/snapshot/boot" "$target/$number/snapshot"
done
cp "$corpus/grub-opensuse/fixture.json" "$corpus/$name"
umount -R "$system" "$top"
losetup -d "$loop"
rm -rf "$work"
