#!/bin/busybox sh
# PID 1 of Baton's initramfs. It mounts what is needed, starts Baton (Node) and the loading of drivers side by side,
# starts Baton again when it ends, and offers a plain rescue menu when that happens too often. PID 1 itself only waits,
# which also buries orphaned processes: whatever else goes wrong, it never ends (the kernel would panic).
# A command costs a process, so what happens before Baton runs is mostly built in.

# What a test sets comes from the environment; the kernel makes that of PID 1 from words of its command line.
[ $$ = 1 ] && unset BATON_RUN BATON_PROGRAM BATON_HARDWARE BATON_SILENCE

run=${BATON_RUN:-/run/baton}                          # Baton's own files
baton=${BATON_PROGRAM:-/usr/bin/node /usr/lib/baton/start.cjs init}
patience=60                                           # seconds; the third end within them leads to the rescue menu
hardware=$BATON_HARDWARE                               # what stands before /sys, /dev, /proc and /etc in a test
silence=${BATON_SILENCE:-90}                          # seconds without a sign of life from Baton until it is killed

say() { echo "<3>baton: $1" >/dev/kmsg; }             # to the kernel log, and so to the serial console

# ---- drivers ---------------------------------------------------------------------------------------------------

# Loads modules for the devices that were not there the last time; fails where there are none.
load_drivers() {
	quick=
	others=
	for alias in $(cat /sys/bus/pci/devices/*/modalias /sys/bus/virtio/devices/*/modalias /sys/bus/usb/devices/*/modalias \
		/sys/bus/scsi/devices/*/modalias /sys/bus/hid/devices/*/modalias /sys/bus/mmc/devices/*/modalias \
		/sys/bus/vmbus/devices/*/modalias /sys/bus/xen/devices/*/modalias /sys/bus/acpi/devices/*/modalias \
		/sys/bus/platform/devices/*/modalias 2>/dev/null); do
		case $seen in *"|$alias|"*) continue ;; esac
		seen="$seen$alias|"
		case $alias in
		# virtio, and what it most often carries: a disk
		pci:v00001AF4*) quick="$alias virtio:d00000002v00001AF4 $quick" ;;
		pci:*bc01sc08* | virtio:* | vmbus:* | xen:*) quick="$quick $alias" ;; # NVMe; a hypervisor's disks
		*) others="$others $alias" ;;
		esac
	done
	[ "$quick$others" ] || return 1
	# Disks that answer within milliseconds come first. Where there is one, what drives the others must not take the
	# processor from Baton, which starts meanwhile.
	[ "$always$quick" ] && load $always $quick
	always=
	[ "$quick" ] && read -r self rest </proc/self/stat && renice -n 15 -p $self
	[ "$others" ] && load $others
	return 0
}

# Loads modules by their aliases. While that goes on there is a file loading.N.
load() {
	set -f # an alias is no file pattern
	loads=$((loads + 1))
	: >$run/loading.$loads
	{ modprobe -a -q "$@"; rm $run/loading.$loads; echo loaded; } >&8 2>/dev/null &
	while [ -e $run/loading.$loads ] && read -r -t 10 answer <&8; do :; done
	# A driver that hangs on its hardware must not keep the others waiting: after ten seconds each gets its own process.
	[ -e $run/loading.$loads ] && for alias in "$@"; do modprobe -q "$alias" 2>/dev/null & done
	set +f
}

# Loads the drivers of all devices that are there at start, and says so by the file coldplug-done.
coldplug() {
	# First, since boot loaders' choices stand in EFI variables, and configurations are read as soon as disks are there.
	[ -d /sys/firmware/efi/efivars ] && mount -t efivarfs -o ro efivarfs /sys/firmware/efi/efivars
	seen="|"
	read -r always <$hardware/etc/modules # what the image's profile loads on every machine
	exec 8<>$run/wake
	load_drivers
	# Buses bring further devices, and drivers look at their hardware in the background (async_probe). Loading a module
	# without that option returns when all such looking has ended: never, where a disk does not answer.
	{
		while [ "$(echo $run/loading.*)" != "$run/loading.*" ]; do sleep 1; done
		modprobe -q nls_ascii async_probe=0
		: >$run/probed
		echo probed
	} >&8 2>/dev/null &
	for round in 1 2 3 4 5 6 7 8 9 10; do
		load_drivers && continue
		[ -e $run/probed ] && break
		read -r -t 1 answer <&8
	done
	load_drivers
	: >$run/coldplug-done
	[ -d /sys/fs/pstore ] && mount -t pstore pstore /sys/fs/pstore
	return 0
}

# ---- Baton -----------------------------------------------------------------------------------------------------

# Keeps Baton running. Waiting for it is another process's work: a thread that is stuck in a dead disk keeps a killed
# process from ending, so after five seconds without news a look at the main thread's state tells whether it is there.
supervise() {
	exec 9<>$run/status
	read -r loglevels </proc/sys/kernel/printk
	# A supervisor that was killed left its Baton behind, and two would fight for the consoles.
	[ -e $run/pid ] && read -r left <$run/pid && kill -9 $left 2>/dev/null
	ends=
	while :; do
		{
			$baton </dev/null >>$run/output 2>&1 9>&- &
			echo $! >$run/pid
			echo "started $!"
			wait $!
			echo "ended $! $?"
		} >&9 &
		witness=$!
		pid=none
		silent=0
		while :; do
			if read -r -t 5 word number status <&9; then
				silent=0
				[ $word = started ] && pid=$number
				# Who said so ends at once, and would stay a zombie while the rescue menu is waited for.
				[ $word = ended ] && [ $number = $pid ] && { wait $witness; break; }
			else
				read -r stat </proc/$pid/stat || continue
				case ${stat##*) } in Z*) status="a thread stuck in a device"; break ;; esac
				# Baton says "alive" every few seconds. One that doesn't is stuck where only a new start helps.
				silent=$((silent + 5))
				[ $silent -ge $silence ] && say "Baton has been silent for $silent s" && kill -9 $pid && silent=0
			fi
		done 2>/dev/null
		echo "$loglevels" >/proc/sys/kernel/printk # Baton silences the kernel while it draws
		say "Baton ended ($status); starting it again"
		read -r now rest </proc/uptime
		set -- $ends ${now%.*}
		[ $# -gt 3 ] && shift
		ends=$*
		[ $# = 3 ] && [ $((${now%.*} - $1)) -lt $patience ] && rescue && ends=
	done
}

# ---- rescue ----------------------------------------------------------------------------------------------------

# The rescue menu on every console; ends when somebody chose to try again, or after a minute where there is no console.
rescue() {
	say "Baton ended three times within $patience s; waiting at the rescue menu"
	read -r consoles </sys/class/tty/console/active
	read -r cmdline </proc/cmdline
	for word in $cmdline; do
		case $word in baton.console=?*) IFS=,; set -- ${word#*=}; unset IFS; consoles=$* ;; esac
	done
	menus=
	for console in $consoles; do
		setsid -c $0 rescue_menu <>/dev/$console >&0 2>&1 9>&- &
		menus="$menus $!"
	done
	patient=-t\ 60
	[ "$menus" ] && patient=
	while read -r $patient word rest <&9; do [ $word = retry ] && break; done
	[ "$menus" ] && kill -9 $menus
	return 0
}

# Whether the rescue menu has a shell: by what held when Baton wrote that down (src/init/rescueshell.ts), else by the
# kernel command line, else by the image's own configuration, of which only these keys are looked for. Every doubt is a no.
shell_is_free() {
	if [ -e $run/shell ]; then
		read -r said <$run/shell
		[ "$said" = yes ]
		return
	fi
	shell= editor= lockdown= trust=
	for file in $hardware/etc/baton.yaml $hardware/etc/baton.yml $hardware/etc/baton.ini; do
		[ -e $file ] || continue
		while read -r key value; do
			case $value in yes | true | on | 1) value=yes ;; no | false | off | 0) value=no ;; *) value= ;; esac
			case $key in # behind whatever stood before it
			*shell) [ "$shell" = no ] || shell=${value:-no} ;;
			*editor) [ "$editor" = no ] || editor=${value:-no} ;;
			*lockdown) [ "$value" = no ] || lockdown=yes ;;
			*trust) [ "$value" = no ] || trust=yes ;;
			esac
		done <<-END
			$(sed 's/^[ \t]*[#;].*//' $file | grep -oiE '(^|[^a-z0-9_-])(shell|editor|lockdown|trust)["'\'']?[ \t]*[:=][ \t]*["'\'']?[a-z0-9]*' |
				tr 'A-Z"'\'':={,' 'a-z      ')
		END
		break
	done
	read -r cmdline <$hardware/proc/cmdline
	set -f
	for word in $cmdline; do
		case $word in *baton.shell* | *baton.editor* | *baton.lockdown*) ;; *) continue ;; esac
		case $(echo "$word" | tr 'A-Z' 'a-z' | tr -d '"') in
		baton.shell | baton.shell=yes | baton.shell=true | baton.shell=on | baton.shell=1) shell=yes ;;
		baton.editor | baton.editor=yes | baton.editor=true | baton.editor=on | baton.editor=1) editor=yes ;;
		baton.lockdown=no | baton.lockdown=false | baton.lockdown=off | baton.lockdown=0) lockdown= ;;
		baton.shell=*) shell=no ;;
		baton.editor=*) editor=no ;;
		baton.lockdown | baton.lockdown=*) lockdown=yes ;;
		esac
	done
	set +f
	# Nothing was read yet that could loosen what is locked down. A shell would lead around what may boot.
	[ "$lockdown$trust" ] && return 1
	[ ${shell:-${editor:-yes}} = yes ]
}

# The rescue menu on one console, its standard input and output.
rescue_menu() {
	trap '' INT QUIT TSTP
	stty sane
	printf '\033[0m\033[?1049l\033[?25h\r\n'
	tail -n 8 $run/output | tr -c '\n\t -~' '?' # it may quote what strangers wrote
	free=
	shell_is_free && free=yes
	while :; do
		printf '\nBaton ended three times within a minute. The lines above may say why; so may dmesg.\n'
		printf '  r  start Baton again\n'
		[ "$free" ] && printf '  s  a shell (exit returns here)\n'
		printf '  b  reboot\n  p  power off\n> '
		read -r -n 1 key || exit
		echo
		case $key in
		r | R) echo retry >$run/status ;;
		s | S)
			[ "$free" ] || continue
			stop_watchdog 2>/dev/null && echo 'The watchdog, which Baton had armed, is stopped.'
			(trap - INT QUIT TSTP; exec /bin/busybox sh -l)
			;;
		b | B) reboot -n -f ;; # without sync: nothing is mounted for writing, and a dead disk would hang it
		p | P) poweroff -n -f ;;
		esac
	done
}

# A watchdog that Baton armed, and nobody feeds now, restarts the machine while it waits here: that may help it. It must
# not while somebody works in a shell.
stop_watchdog() {
	read -r state <$hardware/sys/class/watchdog/watchdog0/state && [ "$state" = active ] && echo V >$hardware/dev/watchdog
}

# ---- PID 1 -----------------------------------------------------------------------------------------------------

# Words NAME=VALUE of the kernel command line that the kernel doesn't know are PID 1's environment. Those that programs
# here may have stay; NODE_OPTIONS, LD_PRELOAD and the like go.
clean_environment() {
	export -p >$run/environment
	while read -r word name; do
		name=${name%%=*}
		case $name in
		TERM | http_proxy | https_proxy | all_proxy | no_proxy | HTTP_PROXY | HTTPS_PROXY | ALL_PROXY | NO_PROXY) ;;
		*) unset "$name" 2>/dev/null ;;
		esac
	done <$run/environment
}

start() {
	clean_environment
	export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERMINFO=/usr/share/terminfo
	# Each call that waits for a dead disk keeps one of Node's threads; four, as it has by itself, would soon be gone.
	export UV_THREADPOOL_SIZE=32
	/bin/busybox mount -a # /etc/fstab: proc, sysfs, devtmpfs
	# Ctrl-Alt-Del restarts at once, by the kernel alone, which works when everything else hangs.
	echo 1 >/proc/sys/kernel/ctrl-alt-del
	# Every module looks at its hardware in the background: loading a file system's must not wait for a dead disk.
	# A kernel of Baton's own has no modules.
	[ -d /sys/module/module ] && echo 1 >/sys/module/module/parameters/async_probe
	supervise &
	supervisor=$!
	coldplug &
	while :; do
		wait $supervisor
		say "the supervisor ended; starting it again"
		supervise &
		supervisor=$!
	done
}

if [ $$ = 1 ]; then start; else "$@"; fi
