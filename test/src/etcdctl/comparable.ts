import { fromBinary, toJsonString } from "@bufbuild/protobuf";
import { responseOf } from "./responses.js";
import type { Run } from "./run.js";
import type { Format, Step } from "./step.js";

export interface Comparable {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The run without what differs between any two servers: addresses, IDs, sizes, times, raft's counters. */
export function comparable(
  { code, stdout, stderr }: Run,
  {
    command,
    step,
    format,
    names,
  }: { command: string; step: Step; format: Format; names: ReadonlyMap<string, string> },
): Comparable {
  const text = format === "protobuf" ? ofProtobuf(command, stdout) : stdout.toString();
  const settled = [text, stderr.toString()].map((each) => {
    const named = withoutNames(each, names);
    const known = masked(format === "table" ? withoutWidths(named) : named);
    return step.isUnordered ? known.split("\n").sort().join("\n") : known;
  });
  return { code, stdout: settled[0]!, stderr: settled[1]! };
}

function ofProtobuf(command: string, stdout: Buffer): string {
  const type = responseOf(command);
  if (type === undefined || stdout.length === 0) return stdout.toString();
  return toJsonString(type, fromBinary(type, stdout), { useProtoFieldName: true });
}

function withoutNames(text: string, names: ReadonlyMap<string, string>): string {
  let result = text;
  for (const [name, value] of names) {
    if (value.length > 5) result = result.replaceAll(value, name === "peer" ? "$url" : `$${name}`);
  }
  return result;
}

const MASKS: readonly (readonly [RegExp, string])[] = [
  // What only tells where and when a line of the client's log was written.
  [/"(ts|caller|target|took|size)":"(\\.|[^"\\])*"/g, '"$1":_'],
  [/LocalAddr: '[^']*'/g, "LocalAddr: _"],
  [/"(cluster_id|member_id|raft_term|raftTerm|raftIndex|raftAppliedIndex)":"?[0-9a-f]+"?/g, '"$1":_'],
  [/"(dbSize|dbSizeInUse|leader|ID|TTL|ttl)":"?\d+"?/g, '"$1":_'],
  [
    /"(ClusterID|MemberID|RaftTerm|RaftIndex|RaftAppliedIndex|DBSize|DBSizeInUse|Leader|ID|TTL)" : [0-9a-f]+\b/g,
    '"$1" : _',
  ],
  [/\b\d{13,20}\b/g, "ID"],
  [/\b[0-9a-f]{13,16}\b/g, "ID"],
  [/remaining\(\d+s\)/g, "remaining(_)"],
  [/\d+(\.\d+)?(e[+-]\d+)?(ns|µs|ms|s)\b/g, "TIME"],
  [/\d+(\.\d+)? ?([kMG]?B)\b/g, "SIZE"],
  [/0x[0-9a-f]+/g, "ADDRESS"],
  [/larger than max \(\d+ vs/g, "larger than max (_ vs"],
  // Of an endpoint's status the share in use, raft's term and its two indexes.
  [/\b\d+%([,|]| \|)/g, "SHARE$1"],
  [
    /((?:true|false)(?:,| \|) (?:true|false)(?:,| \|)) \d+(,| \|) \d+(?:,| \|) \d+/g,
    "$1 TERM$2 INDEX$2 INDEX",
  ],
  [/(?<=^|\n)\r?\d+ \/ \d+ \[[^\n]*/g, "PROGRESS"],
];

function masked(text: string): string {
  return MASKS.reduce((result, [pattern, by]) => result.replace(pattern, by), withoutOwners(text));
}

/** The keys of locks and elections end with a lease's ID. */
function withoutOwners(text: string): string {
  return text.replace(/"key":"([A-Za-z0-9+/]+=*)"/g, (whole, encoded: string) => {
    const [, name] = /^(.*)\/[0-9a-f]{13,16}$/.exec(Buffer.from(encoded, "base64").toString("latin1")) ?? [];
    return name === undefined ? whole : `"key":"${name}/ID in base64"`;
  });
}

/** A table is as wide as what is in it. */
function withoutWidths(text: string): string {
  return text.replace(/[-─]{2,}/g, "--").replace(/ {2,}/g, " ");
}
