#!/bin/sh
# Captures what Debian's own grub-mkconfig writes for a made-up machine, as a fixture of test/corpus.
#
#     unshare -m sh test/formats/grub/capture.sh FIXTURE
#
# Run as root on Debian with grub2-common: grub-mkconfig and /etc/grub.d are the real ones; /boot, /etc/default/grub
# and the answers of grub-probe are the machine's.
set -eu
name=$1
here=$(dirname "$0")
work=$(mktemp -d)
mkdir -p "$work/boot/grub" "$work/bin"
release="6.1.0-28 6.1.0-31"
uuid=0c1b6ee4-6e3b-4a4c-9a0d-2f6e6a1b7c55
device=/dev/vda2
partition=hd0,gpt2
fs=ext2
abstraction=
prefix=/boot
settings='GRUB_TIMEOUT=5'
cmdline=quiet
case $name in
grub-debian-12)
  volume=vda2 ;;
grub-debian-12-saved)
  # /boot is a partition of its own, and the last choice is kept.
  volume=vda2 prefix= settings='GRUB_TIMEOUT=3 GRUB_DEFAULT=saved GRUB_SAVEDEFAULT=true GRUB_TIMEOUT_STYLE=hidden' ;;
grub-debian-12-xen)
  volume=vda2 settings='GRUB_TIMEOUT=5 GRUB_CMDLINE_XEN=dom0_mem=2G'
  : >"$work/boot/xen-4.17-amd64.gz" ;;
grub-debian-12-btrfs)
  volume=vda2 fs=btrfs prefix=/@/boot settings='GRUB_TIMEOUT=5 GRUB_CMDLINE_LINUX=rootflags=subvol=@' ;;
grub-debian-12-luks)
  volume=dm-0 device=/dev/mapper/crypt abstraction=luks partition=cryptouuid/2f6e6a1b7c554a4c9a0d0c1b6ee46e3b
  settings='GRUB_TIMEOUT=5 GRUB_ENABLE_CRYPTODISK=y GRUB_DISABLE_SUBMENU=y' ;;
*)
  echo "unknown fixture $name" >&2
  exit 2 ;;
esac
for version in $release; do
  : >"$work/boot/vmlinuz-$version-amd64"
  : >"$work/boot/initrd.img-$version-amd64"
  printf 'CONFIG_XEN_DOM0=y\nCONFIG_BLK_DEV_INITRD=y\n' >"$work/boot/config-$version-amd64"
done
cat >"$work/bin/grub-probe" <<PROBE
#!/bin/sh
case "\$*" in
*fs_uuid*) echo $uuid ;;
*target=partuuid*) echo 8f2e7c11-5d1e-4b7a-8d39-5a9a6ef0c6b2 ;;
*target=device*) echo $device ;;
*target=fs*) echo $fs ;;
*partmap*) echo gpt ;;
*abstraction*) echo $abstraction ;;
*cryptodisk_uuid*) echo 2f6e6a1b7c554a4c9a0d0c1b6ee46e3b ;;
*hints_string*) test -n "$abstraction" || echo "--hint-bios=$partition --hint-efi=$partition --hint-baremetal=ahci0,gpt2 " ;;
*compatibility_hint*) echo $partition ;;
*bios_hints* | *efi_hints* | *baremetal_hints*) echo $partition ;;
*drive*) echo "($partition)" ;;
*) echo $fs ;;
esac
PROBE
cat >"$work/bin/grub-mkrelpath" <<MKRELPATH
#!/bin/sh
for path do :; done
echo "\$path" | sed 's#^/boot#$prefix#'
MKRELPATH
chmod +x "$work/bin/grub-probe" "$work/bin/grub-mkrelpath"
{
  echo 'GRUB_DISTRIBUTOR=Debian'
  echo "GRUB_CMDLINE_LINUX_DEFAULT=$cmdline"
  for setting in $settings; do echo "$setting"; done
} >"$work/default"
cp -r /etc/default "$work/etc-default"
mv "$work/default" "$work/etc-default/grub"
mount --bind "$work/boot" /boot
mount --bind "$work/bin/grub-probe" /usr/sbin/grub-probe
mount --bind "$work/bin/grub-mkrelpath" /usr/bin/grub-mkrelpath
mount --bind "$work/etc-default" /etc/default
grub-mkconfig -o "$work/grub.cfg" 2>/dev/null
target="$here/../../corpus/$name/$volume$prefix/grub"
mkdir -p "$target"
install -m 644 "$work/grub.cfg" "$target/grub.cfg"
rm -rf "$work"
