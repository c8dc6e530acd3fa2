/** Runs a fast-check property with a pinned seed, so that a failure repeats; the seed is printed. */
import fc from 'fast-check'
import type { Test } from 'tap'

const SEED = 20261122

/** Asserts that the property holds for `numRuns` inputs; a counterexample fails the test. */
export function holds<T>(t: Test, property: fc.IProperty<T>, numRuns = 300): void {
  const details = fc.check(property, { seed: SEED, numRuns })
  const report = details.failed ? fc.defaultReportMessage(details) : undefined
  t.equal(report, undefined, `holds for ${details.numRuns} inputs (seed ${SEED})`)
}
