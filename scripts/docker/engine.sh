#!/usr/bin/env bash
# engine.sh [stop]: a running Docker engine with compose and buildx, for a Debian machine that reaches package registries only.
# Where Docker runs already nothing is changed; anywhere else install Docker as its makers say. Needs root and Go.
set -euo pipefail

readonly compose_version=v5.5.1
readonly buildx_version=v0.29.1
readonly plugins=/usr/local/lib/docker/cli-plugins
readonly pid_file=/run/comptoir-dockerd.pid
readonly log_file=/var/log/comptoir-dockerd.log

is_running() { docker info >/dev/null 2>&1; }

has_plugin() { docker "$1" version >/dev/null 2>&1; }

need_root() {
  [ "$(id -u)" = 0 ] && return
  echo "Docker does not run here and only root can install and start it: start Docker, or run this as root." >&2
  exit 1
}

install_engine() {
  command -v dockerd >/dev/null && return
  echo "installing the Docker engine" >&2
  apt-get -qq update
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends \
    docker.io iptables >/dev/null
}

# Built inside a copy of the module, because only there its own replace and exclude lines hold.
install_plugin() { # NAME MODULE VERSION PACKAGE VERSION_VARIABLE
  has_plugin "$1" && return
  local source work
  echo "building $2@$3" >&2
  source=$(cd / && GOFLAGS=-mod=mod go mod download -json "$2@$3" | sed -n 's/^\t"Dir": "\(.*\)",/\1/p')
  work=$(mktemp -d)
  cp -r "$source/." "$work"
  chmod -R u+w "$work"
  mkdir -p "$plugins"
  (
    cd "$work"
    export CGO_ENABLED=0 GOFLAGS="-mod=mod -buildvcs=false"
    nice go build -trimpath -ldflags "-s -w -X $5=$3" -o "$plugins/docker-$1" "$4"
  )
  rm -rf "$work"
}

start_engine() {
  is_running && return
  rm -f "$pid_file"
  setsid nohup dockerd --pidfile "$pid_file" >"$log_file" 2>&1 </dev/null &
  for _ in $(seq 150); do
    is_running && return
    sleep 0.2
  done
  echo "dockerd did not start within 30 s, see $log_file" >&2
  exit 1
}

# Only the engine that this script started.
stop_engine() {
  [ -f "$pid_file" ] || return 0
  kill "$(cat "$pid_file")"
  for _ in $(seq 150); do
    [ -f "$pid_file" ] || return 0
    sleep 0.2
  done
  echo "dockerd did not stop within 30 s, see $log_file" >&2
  exit 1
}

case ${1:-start} in
  stop) stop_engine ;;
  start)
    is_running && has_plugin compose && has_plugin buildx && exit 0
    need_root
    install_engine
    install_plugin compose github.com/docker/compose/v5 "$compose_version" ./cmd \
      github.com/docker/compose/v5/internal.Version
    install_plugin buildx github.com/docker/buildx "$buildx_version" ./cmd/buildx \
      github.com/docker/buildx/version.Version
    start_engine
    ;;
  *)
    echo "usage: engine.sh [start|stop]" >&2
    exit 2
    ;;
esac
