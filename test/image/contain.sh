#!/bin/sh
# Runs a program as a container engine does: `contain.sh ROOT SCRATCH PROGRAM...`. It is process 1 of namespaces of its own, on a
# read-only root with /proc, four devices and a writable /scratch, as user 10001 without any capability.
set -eu
exec unshare --mount --pid --fork --kill-child --ipc --uts sh -euc '
  root=$1 scratch=$2
  shift 2
  mount --bind "$root" "$root"
  mount -o remount,ro,bind "$root"
  mount -t tmpfs tmpfs "$root/dev"
  for device in null zero random urandom; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
  done
  mount -t proc proc "$root/proc"
  mount --bind "$scratch" "$root/scratch"
  exec setpriv --no-new-privs chroot --userspec=10001:10001 --groups= "$root" "$@"' contain "$@"
