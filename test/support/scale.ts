// How much the fault tests do: enough to see every mechanism in CI, the full figures in `npm run test:soak`.
const isSoak = process.env["SOAK"] === "1";

export const scale = {
  isSoak,
  /** Processes killed one after the other. */
  kills: isSoak ? 100 : 10,
  /** Orders that come per second while processes come and go. */
  ordersPerSecond: isSoak ? 6 : 4,
  /** How long a server is away, in ms. */
  outageMs: isSoak ? 60_000 : 15_000,
  /** Orders whose events are delivered badly. */
  deliveries: isSoak ? 10_000 : 1_000,
  /** For one test, in ms. */
  timeoutMs: isSoak ? 3_600_000 : 600_000,
} as const;
