// It has no types of its own. What is used of it:
declare module "moleculer-prometheus" {
  interface Definition {
    readonly type: string;
    readonly help: string;
  }
  /** They work on the service: `client` makes the metrics, `metrics` holds them, `broker` is asked. */
  interface Methods {
    readonly createMetrics: (this: object, definitions: Readonly<Record<string, Definition | null>>) => void;
    readonly update: (this: object, name: string, method: string, labels: object | null, value: unknown) => void;
    readonly updateCommonValues: (this: object) => Promise<void> | undefined;
  }
  const schema: {
    readonly settings: { readonly metrics: Readonly<Record<string, Definition>> };
    readonly methods: Methods;
  };
  export default schema;
}
