import { type Spread, spreadOf } from "./figures.js";
import type { CohortResult, Sample } from "./measure.js";

/** A subject's samples of one scenario, by round. */
export function samplesOf(cohort: CohortResult, scenario: string, subject: string): Sample[] {
  return cohort.samples.filter((sample) => sample.scenario === scenario && sample.subject === subject);
}

export function figureOf(
  cohort: CohortResult,
  scenario: string,
  figure: string,
  subject: string,
): Spread | undefined {
  return spreadOf(samplesOf(cohort, scenario, subject).flatMap(({ figures }) => figures[figure] ?? []));
}

/** One subject's figure over another's, round by round: what disturbs a round disturbs both. */
export function ratioOf(
  cohort: CohortResult,
  scenario: string,
  figure: string,
  subject: string,
  reference: string,
): Spread | undefined {
  const references = new Map(
    samplesOf(cohort, scenario, reference).map(({ round, figures }) => [round, figures[figure]]),
  );
  const ratios = samplesOf(cohort, scenario, subject).flatMap(({ round, figures }) => {
    const [value, other] = [figures[figure], references.get(round)];
    return value === undefined || !other ? [] : value / other;
  });
  return spreadOf(ratios);
}
