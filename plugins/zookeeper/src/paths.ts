import { sequenceName } from "@etcd-adapter/core/storage/log/segments";

/**
 * What the plugin keeps in ZooKeeper, below its chroot:
 *
 * | znode | data |
 * |---|---|
 * | head | sequence of the newest segment, and bytes of all segments so far |
 * | trimmed | sequence of the newest trimmed segment, and bytes of all up to it |
 * | barrier | nothing; written to learn of every write before |
 * | log/SEQUENCE | one segment, the manifest of its parts, or the anchor that takes a trimmed one's place |
 * | parts/SEQUENCE-UNIQUE/N | parts of a large segment |
 * | snapshot | which snapshot is the newest |
 * | snapshots/SEQUENCE-UNIQUE/N | chunks of a snapshot |
 */
export class Paths {
  readonly head: string;
  readonly trimmed: string;
  readonly barrier: string;
  readonly log: string;
  readonly snapshot: string;
  readonly parts: string;
  readonly snapshots: string;

  constructor(chroot: string) {
    this.head = `${chroot}/head`;
    this.trimmed = `${chroot}/trimmed`;
    this.barrier = `${chroot}/barrier`;
    this.log = `${chroot}/log`;
    this.snapshot = `${chroot}/snapshot`;
    this.parts = `${chroot}/parts`;
    this.snapshots = `${chroot}/snapshots`;
  }

  segment(sequence: bigint): string {
    return `${this.log}/${sequenceName(sequence)}`;
  }
}

/** The path itself and every one above it, the topmost first. */
export function withAncestors(path: string): string[] {
  const names = path.split("/").filter(Boolean);
  return names.map((_, index) => `/${names.slice(0, index + 1).join("/")}`);
}
