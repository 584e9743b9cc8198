// The registry: what the catalogue names, bounded as it says, in both formats.
import { describe, expect, it } from "@jest/globals";
import { setTimeout as pause } from "node:timers/promises";
import { logOverflows } from "../../../core/metrics/log-overflows.ts";
import { collectDefaults, counter, expose, gauge, histogram, onOverflow } from "../../../core/metrics/registry.ts";
import { scrapeHere, sumOf, valueOf } from "../../support/scrape.ts";

const OPEN_METRICS = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3";

describe("A metric", () => {
  it("is the same one wherever it is asked for", async () => {
    counter("comptoir_orders_placed_total").labels().inc();
    counter("comptoir_orders_placed_total").labels().inc(2);
    expect(valueOf(await scrapeHere(), "comptoir_orders_placed_total")).toBe(3);
  });

  it("is shown only where it is used", async () => {
    expect((await expose()).body).not.toContain("comptoir_mails_total");
    counter("comptoir_mails_total").labels({ outcome: "sent" });
    expect((await expose()).body).toContain('comptoir_mails_total{outcome="sent"} 0');
  });

  it("never falls when it is a counter", () => {
    const series = counter("comptoir_orders_placed_total").labels();
    for (const wrong of [-1, Number.NaN, Infinity]) {
      const grow = () => {
        series.inc(wrong);
      };
      expect(grow).toThrow(RangeError);
    }
  });

  it("counts a value into every bucket from its own on", async () => {
    const seconds = histogram("comptoir_store_seconds").labels({ database: "a", operation: "list" });
    for (const value of [0.0004, 0.0005, 0.3, 7]) seconds.observe(value);
    const series = await scrapeHere();
    const buckets = series.filter(({ name }) => name === "comptoir_store_seconds_bucket");
    expect(buckets.map(({ labels, value }) => [labels["le"], value])).toEqual([
      ...["0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25"].map(le => [le, 2]),
      ["1", 3],
      ["5", 3],
      ["+Inf", 4],
    ]);
    const labels = { database: "a", operation: "list" };
    expect(valueOf(series, "comptoir_store_seconds_count", labels)).toBe(4);
    expect(valueOf(series, "comptoir_store_seconds_sum", labels)).toBeCloseTo(7.3009, 6);
  });

  it("is asked for what is only known at the scrape", async () => {
    const running = gauge("comptoir_sagas_running");
    let count = 4;
    running.onScrape(() => {
      running.labels().set(count);
    });
    expect(valueOf(await scrapeHere(), "comptoir_sagas_running")).toBe(4);
    count = 5;
    expect(valueOf(await scrapeHere(), "comptoir_sagas_running")).toBe(5);
  });

  it("keeps text from clients in one line", async () => {
    gauge("comptoir_stock_available").labels({ sku: 'a"b\\c\nd' }).set(1);
    expect((await expose()).body).toContain('comptoir_stock_available{sku="a\\"b\\\\c\\nd"} 1');
    gauge("comptoir_stock_available").reset();
  });
});

describe("A label", () => {
  it("has no more values than the catalogue allows: the rest is counted together, once said, and nothing is lost", async () => {
    const heard: unknown[] = [];
    const stop = onOverflow((...told) => heard.push(told));
    const events = counter("comptoir_events_appended_total");
    for (let index = 0; index < 1_000; index += 1) events.labels({ type: `type-${String(index)}` }).inc();
    events.labels({ type: "type-999" }).inc();
    stop();
    const series = await scrapeHere();
    const own = series.filter(({ name }) => name === "comptoir_events_appended_total");
    expect(own).toHaveLength(100);
    expect(sumOf(series, "comptoir_events_appended_total")).toBe(1_001);
    expect(valueOf(series, "comptoir_events_appended_total", { type: "other" })).toBe(902);
    expect(heard).toEqual([["comptoir_events_appended_total", "type", 100]]);
    const metric = "comptoir_events_appended_total";
    expect(valueOf(series, "comptoir_metrics_overflows_total", { metric })).toBe(1);
  });

  it("has one line in the log when it has too many values, that names its metric, its bound and what to do", () => {
    const lines: [message: string, data: { label: string }][] = [];
    const stop = logOverflows({ warn: (...line) => lines.push(line) });
    const steps = counter("comptoir_saga_steps_total");
    const count = (step: string, direction: string) => {
      steps.labels({ step, direction, outcome: "done" }).inc();
    };
    for (let index = 0; index < 11; index += 1) count(`step-${String(index)}`, "FORWARD");
    expect(lines).toEqual([]);
    for (let index = 11; index < 100; index += 1) count(`step-${String(index)}`, "FORWARD");
    const bound = { metric: "comptoir_saga_steps_total", label: "step", atMost: 12 };
    expect(lines).toEqual([[expect.stringMatching(/raise the bound in core.metrics.bounds.ts$/), bound]]);
    expect(lines[0]?.[0]).toMatch(/^comptoir_saga_steps_total has more than 12 values of step: /);
    for (let index = 0; index < 100; index += 1) count("step-0", `direction-${String(index)}`);
    stop();
    expect(lines.map(([, { label }]) => label)).toEqual(["step", "direction"]);
  });

  it("has room again once values have gone", async () => {
    const states = gauge("comptoir_circuit_breaker_state");
    const node = (index: number) => ({ action: "v1.order.get", node: `node-${String(index)}` });
    for (let index = 0; index < 600; index += 1) {
      states.labels(node(index)).set(2);
      states.remove(node(index));
    }
    states.labels(node(600)).set(1);
    expect(valueOf(await scrapeHere(), "comptoir_circuit_breaker_state", node(600))).toBe(1);
  });
});

describe("The formats", () => {
  it("are the classic one, and OpenMetrics for who asks for it, as often as they are asked", async () => {
    collectDefaults();
    counter("comptoir_saga_takeovers_total").labels().inc();
    for (let round = 0; round < 2; round += 1) {
      const open = await expose(OPEN_METRICS);
      expect(open.contentType).toContain("application/openmetrics-text");
      expect(open.body).toContain("# TYPE comptoir_saga_takeovers counter\ncomptoir_saga_takeovers_total 1\n");
      expect(open.body).toMatch(/# TYPE process_cpu_seconds counter\nprocess_cpu_seconds_total [\d.]+\n/);
      expect(open.body.endsWith("# EOF\n")).toBe(true);
      const classic = await expose();
      expect(classic.contentType).toContain("text/plain; version=0.0.4");
      expect(classic.body).toContain("# TYPE comptoir_saga_takeovers_total counter\ncomptoir_saga_takeovers_total 1\n");
      expect(classic.body).toMatch(/# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total [\d.]+\n/);
    }
  });

  it("tell how late the event loop is, without the time from one look to the next", async () => {
    collectDefaults();
    await pause(500);
    const lag = /^nodejs_eventloop_lag_min_seconds (.+)$/m.exec((await expose()).body)?.[1];
    expect(Number(lag)).toBeLessThan(0.08);
    const again = (await expose()).body.matchAll(/^nodejs_eventloop_lag_\w+ (.+)$/gm);
    const values = [...again].map(([, value]) => Number(value));
    expect([values.length, values.filter(value => !(value < 10))]).toEqual([8, []]);
  });

  it("show the trace of a value in OpenMetrics only", async () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const seconds = histogram("comptoir_action_seconds").labels({ action: "v1.order.get" });
    seconds.observe(0.02, traceId);
    seconds.observe(0.02);
    const line = /comptoir_action_seconds_bucket\{action="v1.order.get",le="0.025"\} 2(.*)/;
    expect(line.exec((await expose(OPEN_METRICS)).body)?.[1]).toMatch(
      new RegExp(`^ # \\{trace_id="${traceId}"\\} 0.02 \\d+(\\.\\d+)?$`),
    );
    expect(line.exec((await expose()).body)?.[1]).toBe("");
  });
});
