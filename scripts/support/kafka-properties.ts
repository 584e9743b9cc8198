// The configuration of a Kafka broker that stands alone.

export interface KafkaPlace {
  readonly host: string;
  /** For clients. */
  readonly port: number;
  /** For itself: what is done to the clients' way is not done to this one. */
  readonly internal: number;
  readonly controller: number;
  /** HOST:PORT that clients are told to use. */
  readonly advertised: string;
  readonly data: string;
}

export const kafkaProperties = ({ host, port, internal, controller, advertised, data }: KafkaPlace): string =>
  `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@${host}:${String(controller)}
controller.listener.names=CONTROLLER
inter.broker.listener.name=INTERNAL
listeners=CLIENT://${host}:${String(port)},INTERNAL://${host}:${String(internal)},CONTROLLER://${host}:${String(controller)}
advertised.listeners=CLIENT://${advertised},INTERNAL://${host}:${String(internal)}
listener.security.protocol.map=CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=${data}
auto.create.topics.enable=false
num.partitions=1
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=10
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=5
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=2
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
num.network.threads=2
num.io.threads=4
# After a kill -9 the next broker waits until the session of the last one is over: 9 s unless told.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
`.trimStart();
