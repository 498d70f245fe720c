/** What the tests can run against without starting a server. */
export const serverlessBackends = ["memory", "sqlite"] as const;

/** Real servers: five kinds of storage, the reference, and Redis for a third-party plugin's example. */
export const serverNames = ["postgres", "mariadb", "tidb", "consul", "zookeeper", "etcd", "redis"] as const;

export type ServerName = (typeof serverNames)[number];
export type Backend = (typeof serverlessBackends)[number] | ServerName;

const variable = "ETCD_ADAPTER_TEST_BACKENDS";
const allBackends: readonly Backend[] = [...serverlessBackends, ...serverNames];

/**
 * The backends whose tests are registered. One that cannot start fails its tests, which nothing may turn into
 * a skip: a run that was asked for PostgreSQL and quietly tested SQLite would be worth less than no run.
 */
export function requiredBackends(env: NodeJS.ProcessEnv = process.env): readonly Backend[] {
  const wanted = (env[variable] ?? "").split(",").map((name) => name.trim());
  const names = wanted.filter((name) => name !== "");
  if (names.length === 0) return serverlessBackends;
  if (names.includes("all")) return allBackends;
  const unknown = names.filter((name) => !allBackends.some((backend) => backend === name));
  if (unknown.length > 0) {
    throw new Error(`${variable}: ${unknown.join(", ")} is none of all, ${allBackends.join(", ")}`);
  }
  return allBackends.filter((backend) => names.includes(backend));
}

export function isRequired(backend: Backend, env: NodeJS.ProcessEnv = process.env): boolean {
  return requiredBackends(env).includes(backend);
}

/** The closing line of a test run that left backends out, with the command that adds them. */
export function leftOutLine(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const required = requiredBackends(env);
  const leftOut = allBackends.filter((backend) => !required.includes(backend));
  if (leftOut.length === 0) return undefined;
  return `left out: ${leftOut.join(", ")}; to add them: .ci/install-packages && ${variable}=all npm test`;
}
