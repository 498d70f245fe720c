/** The raised alarms, all in one registry entry: each write looks there, and almost always finds nothing. */
export const ALARMS_ENTRY = "alarms";

export const ALARM = { noSpace: 1, corrupt: 2 } as const;

export interface Alarm {
  /** uint64; whichever the client gave, known or not. */
  readonly memberId: bigint;
  /** A number of etcd's AlarmType, one that etcd does not know included. */
  readonly type: number;
}

const ALARM_BYTES = 12;

export function encodeAlarms(alarms: readonly Alarm[]): Buffer | null {
  if (alarms.length === 0) return null;
  const bytes = Buffer.alloc(alarms.length * ALARM_BYTES);
  for (const [index, { memberId, type }] of alarms.entries()) {
    bytes.writeBigUInt64BE(memberId, index * ALARM_BYTES);
    bytes.writeInt32BE(type, index * ALARM_BYTES + 8);
  }
  return bytes;
}

export function decodeAlarms(bytes: Buffer | undefined): Alarm[] {
  const alarms: Alarm[] = [];
  for (let at = 0; at < (bytes?.length ?? 0); at += ALARM_BYTES) {
    alarms.push({ memberId: bytes!.readBigUInt64BE(at), type: bytes!.readInt32BE(at + 8) });
  }
  return alarms;
}
