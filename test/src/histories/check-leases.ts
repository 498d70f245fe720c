import type { Log } from "./check-watches.js";
import type { Call, History, LeaseLife } from "./history.js";

/** A lease ends once, and not before its TTL has passed since the last keep-alive that was acknowledged. */
export function checkLeases(history: History, ends: ReadonlyMap<bigint, bigint>, log: Log): string[] {
  const problems: string[] = [];
  const lives = new Map(history.leases.map((life) => [life.id, life]));
  for (const [id, revision] of ends) {
    const life = lives.get(id);
    if (!life) problems.push(`lease ${id} ended at revision ${revision} and was never granted`);
    else problems.push(...checkEnd(life, revision, log.get(revision)!.seenAt));
  }
  for (const life of lives.values()) problems.push(...checkGone(life));
  return problems;
}

/** A renewal took place after its call, so the TTL counts from there at the earliest. */
function checkEnd(life: LeaseLife, revision: bigint, seenAt: number): string[] {
  if (life.revoke && life.revoke.call <= seenAt) return [];
  const problems: string[] = [];
  for (const renewal of renewals(life)) {
    const early = renewal.call + life.ttlMs - seenAt;
    if (early > 0)
      problems.push(
        `lease ${life.id} of ${life.ttlMs} ms was renewed at ${renewal.call.toFixed()}, acknowledged at ${renewal.return.toFixed()}, ` +
          `and ended at revision ${revision} at ${seenAt.toFixed()}, ${early.toFixed()} ms early`,
      );
  }
  for (const renewal of renewals(life))
    if (renewal.call > seenAt)
      problems.push(`lease ${life.id} ended at ${seenAt.toFixed()} and was renewed after that`);
  return problems;
}

/** "No such lease" must have a reason: a revocation, or that its time may be over. */
function checkGone(life: LeaseLife): string[] {
  const problems: string[] = [];
  if (life.grant.answer === undefined) return problems;
  for (const refused of life.keepAlives.filter(({ answer }) => answer === 0n)) {
    if (life.revoke && life.revoke.call <= refused.return) continue;
    const last = renewals(life)
      .filter((renewal) => renewal.return < refused.call)
      .at(-1);
    const early = last ? last.call + life.ttlMs - refused.return : 0;
    if (early > 0)
      problems.push(`lease ${life.id} was said to be gone ${early.toFixed()} ms before its time`);
  }
  if (life.revoke?.answer !== undefined) {
    const { revoke } = life;
    for (const renewal of life.keepAlives)
      if (renewal.answer && renewal.call > revoke.return)
        problems.push(
          `lease ${life.id} was revoked at ${revoke.return.toFixed()}, renewed at ${renewal.call.toFixed()}`,
        );
  }
  return problems;
}

function renewals({ grant, keepAlives }: LeaseLife): Call[] {
  return [grant, ...keepAlives].filter(({ answer }) => answer !== undefined && answer > 0n);
}
