// The configuration of a Kafka broker that stands alone.

/** What a broker asks of its clients instead of nothing: TLS, and a login by SCRAM-SHA-512 or PLAIN. */
export interface KafkaSecurity {
  readonly user: string;
  readonly password: string;
  /** PEM files. */
  readonly keyAndCertificate: string;
  readonly ca: string;
  /** Of a second listener, which asks for a client certificate instead of the login. */
  readonly certificatePort: number;
}

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
  readonly security?: KafkaSecurity | undefined;
}

const login = "org.apache.kafka.common.security";
const secured = ({ user, password, keyAndCertificate, ca }: KafkaSecurity): string => `
listener.name.client.sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
listener.name.client.scram-sha-512.sasl.jaas.config=${login}.scram.ScramLoginModule required;
listener.name.client.plain.sasl.jaas.config=${login}.plain.PlainLoginModule required user_${user}="${password}";
listener.name.certificate.ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location=${keyAndCertificate}
ssl.truststore.type=PEM
ssl.truststore.location=${ca}
`;

/** The clients' listeners: where each listens, what clients are told, and how each talks. */
function listenersOf({ host, port, advertised, security }: KafkaPlace) {
  if (security === undefined)
    return [`CLIENT://${host}:${String(port)}`, `CLIENT://${advertised}`, "CLIENT:PLAINTEXT"] as const;
  const certificate = `CERTIFICATE://${host}:${String(security.certificatePort)}`;
  return [
    `CLIENT://${host}:${String(port)},${certificate}`,
    `CLIENT://${advertised},${certificate}`,
    "CLIENT:SASL_SSL,CERTIFICATE:SSL",
  ] as const;
}

export function kafkaProperties(place: KafkaPlace): string {
  const { host, internal, controller, data, security } = place;
  const [listeners, advertised, protocols] = listenersOf(place);
  return `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@${host}:${String(controller)}
controller.listener.names=CONTROLLER
inter.broker.listener.name=INTERNAL
listeners=${listeners},INTERNAL://${host}:${String(internal)},CONTROLLER://${host}:${String(controller)}
advertised.listeners=${advertised},INTERNAL://${host}:${String(internal)}
listener.security.protocol.map=${protocols},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT
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
${security === undefined ? "" : secured(security)}`.trimStart();
}
