/** 20 digits hold every 64-bit number: names sort as the sequences do. */
export function sequenceName(sequence: bigint): string {
  return sequence.toString().padStart(20, "0");
}

/** Two writers of one sequence, or two attempts of one writer, have different `unique` and never share a group. */
export function groupName(sequence: bigint, unique: string): string {
  return `${sequenceName(sequence)}-${unique}`;
}

/** undefined for a name that `groupName` did not make. */
export function groupSequence(name: string): bigint | undefined {
  const digits = /^(\d{20})-/.exec(name)?.[1];
  return digits === undefined ? undefined : BigInt(digits);
}

export function pieceName(index: number): string {
  return index.toString().padStart(6, "0");
}
