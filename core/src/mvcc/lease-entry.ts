/** A lease in the registry: what outlives a process. Where its time stands is each adapter's own (see Lessor). */

const PREFIX = "lease/";

export interface LeaseEntry {
  readonly ttlSeconds: bigint;
  /**
   * Sequence of the commit that granted it, or wrote its last renewal down: another one is how adapters see that
   * the lease lives, or is a new one under the id of an old one.
   */
  readonly stamp: bigint;
}

export function leaseEntry(id: bigint): string {
  return PREFIX + id.toString();
}

/** The lease that a registry entry is about; undefined when it is about something else. */
export function leaseOfEntry(key: string): bigint | undefined {
  return key.startsWith(PREFIX) ? BigInt(key.slice(PREFIX.length)) : undefined;
}

export function encodeLease(lease: LeaseEntry): Buffer {
  const bytes = Buffer.allocUnsafe(16);
  bytes.writeBigInt64BE(lease.ttlSeconds, 0);
  bytes.writeBigInt64BE(lease.stamp, 8);
  return bytes;
}

export function decodeLease(bytes: Buffer): LeaseEntry {
  return { ttlSeconds: bytes.readBigInt64BE(0), stamp: bytes.readBigInt64BE(8) };
}
