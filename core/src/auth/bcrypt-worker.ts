/** The body of a thread of Passwords: one answer for each job, in order. */
import { parentPort } from "node:worker_threads";
import { compareSync, hashSync } from "bcryptjs";

export type Job =
  | { readonly kind: "hash"; readonly password: string; readonly cost: number }
  | { readonly kind: "compare"; readonly password: string; readonly hash: string };

export type Answer = { readonly value: string | boolean } | { readonly problem: string };

parentPort!.on("message", (job: Job) => parentPort!.postMessage(answer(job)));

function answer(job: Job): Answer {
  try {
    if (job.kind === "hash") return { value: hashSync(job.password, job.cost) };
    return { value: compareSync(job.password, job.hash) };
  } catch (error) {
    return { problem: String(error) };
  }
}
