#!/bin/sh
# Captures grub-mkconfig's answer for a Debian system whose /boot lies on LVM inside LUKS (fixture grub-system-luks-lvm).
#
# Runs as init of a virtual machine, since it needs device-mapper: the root disk /dev/vda is an ext4 filesystem with the
# tree that capture-system.sh takes and this file as /capture, /dev/vdb a disk with a GPT and an empty second partition;
# the kernel's command line has root=/dev/vda rw init=/capture. The configuration is printed on the console, packed.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
exec >/dev/console 2>&1
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev 2>/dev/null; mount -t tmpfs t /run; mount -t tmpfs t /tmp
set -x
mount -o remount,rw /
depmod -a; modprobe dm_crypt; modprobe dm_mod; modprobe algif_skcipher; modprobe xts; modprobe aes_generic
echo hallo > /run/key
cryptsetup luksFormat -q --type luks1 --pbkdf-force-iterations 1000 --uuid 7a0b3c1d-5e2f-4d6a-9b8c-1f2e3d4c5b6a /dev/vdb2 /run/key
cryptsetup open --key-file /run/key /dev/vdb2 vda2_crypt
export DM_DISABLE_UDEV=1
pvcreate -ff -y --uuid aaaaaa-bbbb-cccc-dddd-eeee-ffff-gggggg --norestorefile /dev/mapper/vda2_crypt
vgcreate debian-vg /dev/mapper/vda2_crypt
lvcreate -y -Zn -n root -l 100%FREE debian-vg
dmsetup mknodes; vgmknodes; ls -la /dev/mapper
U=5e6f0c1a-9d3b-4c1e-8a77-0d1c2b3a4f53
mkfs.ext4 -q -U $U /dev/mapper/debian--vg-root
mount /dev/mapper/debian--vg-root /target
cd /; for d in bin boot etc lib lib64 sbin usr var; do cp -a /$d /target/; done
cd /target; mkdir -p proc sys dev tmp run
mount --bind /dev dev; mount --bind /proc proc; mount --bind /sys sys; mount --bind /run run
mkdir -p /dev/disk/by-uuid; ln -s ../../dm-1 /dev/disk/by-uuid/$U
echo '(hd0) /dev/vdb' > boot/grub/device.map
printf 'GRUB_DISTRIBUTOR=Debian\nGRUB_CMDLINE_LINUX_DEFAULT=quiet\nGRUB_CMDLINE_LINUX=\nGRUB_TIMEOUT=5\nGRUB_ENABLE_CRYPTODISK=y\n' > etc/default/grub
chroot . grub-mkconfig -o /boot/grub/grub.cfg
set +x
echo "LVM: $(lvs --noheadings -o vg_uuid,lv_uuid)"
echo "DMUUID: $(cat /sys/block/dm-*/dm/uuid | tr '\n' ' ')"
echo @@BEGIN; gzip -c boot/grub/grub.cfg | base64; echo @@END
sync; echo o > /proc/sysrq-trigger; sleep 100
