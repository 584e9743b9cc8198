// What explains another alert holds it back, and hides nothing else.
import { expect, it } from "@jest/globals";
import { heldBack, inhibitRules, matcherOf } from "../../support/inhibition.ts";
import { cases, rules, type Labels } from "../../support/rules.ts";

const all = inhibitRules();
const tested = cases();

/** An alert with the labels that promtool has seen on it, and some of them changed. */
function alert(name: string, changes: Labels = {}): Labels {
  const fired = tested.flatMap(({ alert_rule_test = [] }) => alert_rule_test).filter(each => each.alertname === name);
  const labels = fired.flatMap(({ exp_alerts = [] }) => exp_alerts)[0]?.exp_labels;
  for (const label of Object.keys(changes))
    if (labels?.[label] === undefined) throw new Error(`${name} has no label ${label}`);
  return { alertname: name, ...labels, ...changes };
}
const down = (service: string) => alert("ServiceDown", { service });
const cutOff = (service: string) => alert("CircuitOpen", { service, action: `v1.${service}.get` });
const unanswered = (step: string) => alert("SagaStepUnanswered", { step });
const [pending, refused] = [alert("OrdersPending"), alert("OrdersRefused")];

it.each<[what: string, source: Labels, held: Labels[], heard: Labels[]]>([
  [
    "that Prometheus knows no node: no service seems to be down",
    alert("NoTargets"),
    [down("order"), down("registry")],
    [alert("DiskFull"), refused],
  ],
  [
    "that billing is down",
    down("billing"),
    [cutOff("billing"), unanswered("authorize"), unanswered("capture"), pending],
    [cutOff("inventory"), unanswered("reserve"), unanswered("commit"), refused, down("order")],
  ],
  [
    "that inventory is down",
    down("inventory"),
    [cutOff("inventory"), unanswered("reserve"), unanswered("commit"), pending],
    [cutOff("billing"), unanswered("authorize"), unanswered("capture"), refused],
  ],
  ["that order is down", down("order"), [cutOff("order"), pending], [unanswered("reserve"), refused]],
  [
    "that notification is down",
    down("notification"),
    [cutOff("notification")],
    [cutOff("billing"), unanswered("authorize"), unanswered("reserve"), pending],
  ],
  // It says nothing of the others: Prometheus goes on with the nodes it knew.
  ["that registry is down", down("registry"), [cutOff("registry")], [down("order"), refused]],
  ["that audit is down", down("audit"), [alert("AuditNotRunning")], [alert("AuditViolation")]],
  [
    "that bridge is down",
    down("bridge"),
    [alert("OutboxOld"), alert("EventsNotDelivered")],
    [alert("EventsParked"), pending],
  ],
  [
    "that events do not reach the log",
    alert("OutboxOld"),
    [alert("AuditViolation", { check: "events" }), alert("LagUnknown")],
    [alert("AuditViolation", { check: "stock" })],
  ],
  [
    "that an outbox fills",
    alert("OutboxFilling", { database: "order" }),
    [alert("OutboxOld", { database: "order" })],
    [alert("OutboxOld", { database: "billing" })],
  ],
  ["that an order is stuck", alert("SagaStuck"), [pending], [unanswered("capture")]],
  [
    "that a subscriber fails on everything",
    alert("DeadLettersGrowing", { subscriber: "billing" }),
    [alert("DeadLetters", { subscriber: "billing" })],
    [alert("DeadLetters", { subscriber: "order" })],
  ],
  [
    "that a subscriber gets nothing",
    alert("EventsNotDelivered", { subscriber: "billing" }),
    [alert("ConsumerLag", { subscriber: "billing" })],
    [alert("ConsumerLag", { subscriber: "order" })],
  ],
  [
    "that availability burns fast",
    alert("AvailabilityFastBurn"),
    [alert("AvailabilityBurn"), alert("AvailabilitySlowBurn")],
    [alert("LatencyBurn")],
  ],
  ["that availability burns", alert("AvailabilityBurn"), [alert("AvailabilitySlowBurn")], [refused]],
  [
    "that requests are much too slow",
    alert("LatencyFastBurn", { objective: "requests" }),
    [alert("LatencyBurn", { objective: "requests" }), alert("LatencySlowBurn", { objective: "requests" })],
    [alert("LatencyBurn", { objective: "orders" })],
  ],
  [
    "that orders are too slow",
    alert("LatencyBurn", { objective: "orders" }),
    [alert("LatencySlowBurn", { objective: "orders" })],
    [alert("LatencySlowBurn", { objective: "requests" })],
  ],
  [
    "that a disk is full",
    alert("DiskFull", { mountpoint: "/" }),
    [alert("DiskFilling", { mountpoint: "/" })],
    [alert("DiskFilling", { mountpoint: "/data" })],
  ],
])("The Alertmanager takes it from hearing %s", (_what, source, held, heard) => {
  expect(heldBack([source, ...held, ...heard], all)).toEqual(held);
});

it("A rule names alerts that there are, and labels that they have", () => {
  const alerts = new Set(rules().map(({ alert: name }) => name));
  for (const { source_matchers: source, target_matchers: target, equal = [] } of all) {
    for (const matchers of [source, target]) {
      const [name, ...others] = matchers.map(matcherOf);
      expect(name?.label).toBe("alertname");
      const named = [...alerts].filter((each): each is string => each !== undefined && name?.matches(each) === true);
      expect([matchers, named.length]).not.toEqual([matchers, 0]);
      for (const each of named)
        expect(Object.keys(alert(each))).toEqual(
          expect.arrayContaining([...equal, ...others.map(({ label }) => label)]),
        );
    }
  }
});
