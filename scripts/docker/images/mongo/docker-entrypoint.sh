#!/bin/sh
# As the official image's: options are for mongod. This one has none and ignores them.
set -e
if [ "${1#-}" != "$1" ]; then set -- mongod "$@"; fi
[ "$1" = mongod ] || exec "$@"
mkdir -p /data/db
exec java -Xmx512m -Dio.netty.buffer.checkAccessible=false -Dio.netty.buffer.checkBounds=false -cp "/opt/mongo/classes:/opt/mongo/libs/*" MongoServerMain 0.0.0.0 27017 /data/db/data.mv
