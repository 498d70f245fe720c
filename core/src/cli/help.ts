import { OPTIONS } from "../config/options.js";

/** Every option with its default, from the one table that also checks them. */
export function helpText(): string {
  const lines = Object.entries(OPTIONS).map(([name, schema]) => {
    const standard = defaultOf(schema);
    const suffix = standard === undefined ? "" : ` (default ${standard})`;
    return `  --${name}\n      ${schema.description ?? ""}${suffix}`;
  });
  return `Usage:
  etcd-adapter [--config FILE] [--OPTION VALUE …]   serve
  etcd-adapter plugins                              list the storage plugins found
  etcd-adapter version                              show versions
  etcd-adapter copy --from PLACE --to PLACE         copy between etcds, storages and files
  etcd-adapter snapshot save FILE                   save a running server's snapshot
  etcd-adapter snapshot restore FILE                fill the storage that the options name
  etcd-adapter snapshot status FILE                 check a snapshot and say what it holds

"etcd-adapter copy --help" and "etcd-adapter snapshot --help" tell more.

Each option can also be set as ETCD_NAME_IN_CAPITALS or in the YAML file.

Options:
  --config
      YAML file with options
${lines.join("\n")}
`;
}

function defaultOf(schema: {
  safeParse(value: unknown): { success: boolean; data?: unknown };
}): string | undefined {
  const { data } = schema.safeParse(undefined);
  return data === undefined ? undefined : Array.isArray(data) ? data.join(",") : String(data);
}
