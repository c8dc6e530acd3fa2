/** A clock for `Date` that stands still until the test moves it; timers stay real. */
import { mock } from 'node:test'

export function fakeDate(t: { teardown(undo: () => void): unknown }): { tick(ms: number): void } {
  mock.timers.enable({ apis: ['Date'], now: 1_000_000_000_000 })
  t.teardown(() => mock.timers.reset())
  return { tick: (ms) => mock.timers.tick(ms) }
}
