// What a backup of a cluster asks of Kafka beside the log, and what its restore does.
import type { KafkaConfig } from "./config-cluster.ts";
import { kafkaOf } from "./kafka-client.ts";
import type { KafkaKeeper, Say } from "./kafka.ts";

/** @throws when Kafka is not to be had */
export async function openKafkaKeeper(config: KafkaConfig, say: Say): Promise<KafkaKeeper> {
  const admin = kafkaOf(config, "comptoir-keeper", say).admin();
  await admin.connect();
  return {
    async groups(prefix) {
      const { groups } = await admin.listGroups();
      const names = groups.map(({ groupId }) => groupId).filter(name => name.startsWith(prefix));
      if (names.length === 0) return [];
      const described = await admin.describeGroups(names);
      return described.groups.map(({ groupId, members }) => ({ name: groupId, members: members.length }));
    },
    async dropTopics(topics) {
      if (topics.length > 0) await admin.deleteTopics({ topics: [...topics] });
    },
    async dropGroups(groups) {
      if (groups.length > 0) await admin.deleteGroups([...groups]);
    },
    close: () => admin.disconnect(),
  };
}
