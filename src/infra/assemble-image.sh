#!/bin/sh
# Makes the root folder of the image out of Debian's packages: `assemble.sh FOLDER`. They are downloaded and unpacked, not
# installed, so it changes nothing else on the Debian machine that it runs on, which has to be root's for apt's sake.
set -eu
root=$1
packages="base-files ca-certificates fonts-noto-cjk fonts-noto-core libc6 tzdata"
# Living scripts that neither Source Sans 3 nor DejaVu Sans, the fonts inside the executable, can write.
scripts="Balinese Bengali Cherokee Devanagari Ethiopic Gujarati Gurmukhi Javanese Kannada Khmer Lao Malayalam MeeteiMayek
  Mongolian Myanmar OlChiki Oriya Sinhala Sundanese Symbols Symbols2 Syriac Tamil Telugu Thaana Thai Yi"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$root/fonts" "$root/etc/ssl/certs" "$root/var/lib/dpkg/status.d" "$root/proc" "$root/dev" "$root/sys"

case $(dpkg --print-architecture) in
  amd64) loader=lib64/ld-linux-x86-64.so.2 libraries=lib/x86_64-linux-gnu ;;
  arm64) loader=lib/ld-linux-aarch64.so.1 libraries=lib/aarch64-linux-gnu ;;
  *) echo "there is no Bun for $(dpkg --print-architecture)" >&2 && exit 1 ;;
esac

cd "$work"
apt-get update -qq
# shellcheck disable=SC2086 # a list of words
apt-get download -qq -o APT::Sandbox::User=root $packages

# unpack PACKAGE FOLDER MEMBER...: some files of a package.
unpack() {
  package=$1 folder=$2
  shift 2
  mkdir -p "$folder"
  dpkg-deb --fsys-tarfile "$package"_*.deb | tar --extract --directory "$folder" --wildcards -- "$@"
}

# glibc finds users, hosts and DNS without further libraries since 2.34.
unpack libc6 "$root" "./$loader" "./$libraries/ld-linux-*" "./$libraries/libc.so.6" "./$libraries/libm.so.6" \
  "./$libraries/libdl.so.2" "./$libraries/libpthread.so.0"
unpack base-files "$root" ./etc/os-release ./usr/lib/os-release
unpack tzdata "$root" ./usr/share/zoneinfo
rm -rf "$root/usr/share/zoneinfo/posix" "$root/usr/share/zoneinfo/right"

unpack ca-certificates "$work/authorities" './usr/share/ca-certificates/mozilla/*.crt'
cat "$work"/authorities/usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"

unpack fonts-noto-cjk "$work/fonts" './usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc'
unpack fonts-noto-core "$work/fonts" './usr/share/fonts/truetype/noto/*-Regular.ttf'
cp "$work/fonts/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc" "$root/fonts"
cp "$work/fonts/usr/share/fonts/truetype/noto/NotoSerifTibetan-Regular.ttf" "$root/fonts"
for script in $scripts; do
  cp "$work/fonts/usr/share/fonts/truetype/noto/NotoSans$script-Regular.ttf" "$root/fonts"
done

# What scanners of images read, and what the licences ask for.
for package in $packages; do
  dpkg-deb --field "$package"_*.deb >"$root/var/lib/dpkg/status.d/$package"
  unpack "$package" "$root" "./usr/share/doc/$package/copyright"
done

echo 'report:x:10001:10001:report-service:/scratch:/sbin/nologin' >"$root/etc/passwd"
echo 'report:x:10001:' >"$root/etc/group"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
chmod -R u=rwX,go=rX "$root"
