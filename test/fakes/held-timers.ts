/** Timers that stand still: on a starved machine, too, no deadline falls before the test says so. */
import { mock } from 'node:test'
import type { Test } from 'tap'

/** Holds every `setTimeout` from now on until the test ends. @returns lets `ms` go by */
export function holdTimers(t: Pick<Test, 'teardown'>): (ms: number) => void {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  return (ms) => mock.timers.tick(ms)
}
