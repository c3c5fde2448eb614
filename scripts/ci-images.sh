#!/bin/bash
# Makes the two base images that a machine without an image registry lacks, from what the machine itself has:
#   scripts/ci-images.sh MOSQUITTO_NAME NODE_NAME
# For CI only. Needs root, a Docker engine, mosquitto, busybox (static), npm and a package registry.
set -euo pipefail
[ $# -eq 2 ] || { echo "usage: $0 MOSQUITTO_NAME NODE_NAME" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# copy ROOT PROGRAM...: programs and the libraries they load, each at its own path
copy() {
  local root=$1 program
  shift
  for program in "$@"; do
    { echo "$program"; ldd "$program" 2>/dev/null | grep -o '/[^ ]*' || true; } | while read -r file; do
      install -D "$file" "$root$file"
    done
  done
}

# users ROOT NAME UID: an /etc/passwd as the official images have it
users() {
  mkdir -p "$1/etc" "$1/tmp"
  chmod 1777 "$1/tmp"
  printf 'root:x:0:0::/root:/bin/sh\n%s:x:%s:%s::/home/%s:/bin/sh\n' "$2" "$3" "$3" "$2" > "$1/etc/passwd"
  printf 'root:x:0:\n%s:x:%s:\n' "$2" "$3" > "$1/etc/group"
}

# shell ROOT: busybox as every common command
shell() {
  mkdir -p "$1/bin" "$1/usr/bin"
  cp "$(command -v busybox)" "$1/bin/busybox"
  busybox --list | while read -r name; do [ "$name" = busybox ] || ln -sf busybox "$1/bin/$name"; done
  ln -sf /bin/env "$1/usr/bin/env"
}

mosquitto=$work/mosquitto
users "$mosquitto" mosquitto 1883
shell "$mosquitto" # testcontainers looks for listening ports with sh, cat, awk and grep
copy "$mosquitto" /usr/sbin/mosquitto
mkdir -p "$mosquitto"/mosquitto/{config,data,log}
printf 'listener 1883 127.0.0.1\n' > "$mosquitto/mosquitto/config/mosquitto.conf"
tar -C "$mosquitto" -c . | docker import -c 'EXPOSE 1883' -c 'CMD ["/usr/sbin/mosquitto","-c","/mosquitto/config/mosquitto.conf"]' - "$1" > /dev/null

node=$work/node
npm install --silent --no-save --no-package-lock --ignore-scripts --prefix "$work/npm" "node-linux-$(node -p process.arch)@24"
users "$node" node 1000
shell "$node"
copy "$node" "$(echo "$work"/npm/node_modules/node-linux-*/bin/node)"
mkdir -p "$node"/{usr/local/{bin,lib/node_modules},etc/ssl/certs,root,home/node}
mv "$node$(echo "$work"/npm/node_modules/node-linux-*/bin/node)" "$node/usr/local/bin/node"
rm -rf "${node:?}/tmp"/*
cp -r "$(npm root -g 2>/dev/null)/npm" "$node/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$node/usr/local/bin/npm"
cp /etc/ssl/certs/ca-certificates.crt "$node/etc/ssl/certs/"
tar -C "$node" -c . | docker import -c 'ENV PATH=/usr/local/bin:/usr/bin:/bin NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' -c 'CMD ["node"]' - "$2" > /dev/null
echo "images: $1 $2"
