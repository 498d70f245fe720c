import { adapter, etcd, kine, type SubjectPlan } from "./subjects.js";

/** Subjects that are measured in turns, each against the etcd of the same minutes; nothing else runs meanwhile. */
export interface Cohort {
  readonly title: string;
  /** Whether the storage is a server, on which only what matters there is measured. */
  readonly onServer: boolean;
  readonly subjects: readonly SubjectPlan[];
}

const titles: Readonly<Record<string, string>> = {
  postgres: "PostgreSQL",
  mariadb: "MariaDB",
  tidb: "TiDB, one process",
  consul: "Consul, one node",
  zookeeper: "ZooKeeper, one node",
};
const kineKnows: readonly string[] = ["postgres", "mariadb", "tidb"];

const embedded: Cohort = {
  title: "Memory and SQLite",
  onServer: false,
  subjects: [
    etcd,
    adapter("memory", "own"),
    adapter("memory", "grpc-js"),
    adapter("sqlite", "own"),
    adapter("sqlite", "grpc-js"),
    kine("sqlite"),
  ],
};

export const cohorts: readonly Cohort[] = [
  embedded,
  ...Object.entries(titles).map(
    ([storage, title]): Cohort => ({
      title,
      onServer: true,
      subjects: [etcd, adapter(storage, "own"), ...(kineKnows.includes(storage) ? [kine(storage)] : [])],
    }),
  ),
];

export const storages: readonly string[] = [
  ...new Set(cohorts.flatMap(({ subjects }) => subjects.flatMap(({ storage }) => storage ?? []))),
];

/** The cohorts with those storages alone; of no names: all. */
export function cohortsOf(names: readonly string[]): Cohort[] {
  if (names.length === 0) return [...cohorts];
  return cohorts.flatMap((cohort) => {
    const subjects = cohort.subjects.filter(
      ({ storage }) => storage === undefined || names.includes(storage),
    );
    return subjects.length > 1 ? [{ ...cohort, subjects }] : [];
  });
}
