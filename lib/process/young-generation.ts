/**
 * How much memory V8 may use for young objects: 32 MiB instead of the 128 it takes on a large
 * machine.
 *
 * V8 doubles this space whenever enough of it has survived, and sweeps it only when it is full: a
 * node that answers little walks through all of it before the first byte comes back. Our garbage
 * is small (bytes lie in buffers outside of the heap), so four times the sweeps cost nothing that
 * can be measured. V8 reads the factor of growth at each collection, which is what makes a bound
 * possible without options on the command line; it holds for the threads of the process as well.
 */
import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import type { Service } from './service.ts'

const LIMIT_BYTES = 32 * 2 ** 20

/** Bounds the space from now on; it passes the limit only within one run of synchronous code. */
export function boundYoungGeneration(limitBytes = LIMIT_BYTES): Service {
  let growing = true
  const observer = new PerformanceObserver(() => grow(youngBytes() < limitBytes))
  observer.observe({ entryTypes: ['gc'] })

  function grow(wanted: boolean): void {
    if (wanted === growing) return
    growing = wanted
    setFlagsFromString(`--semi-space-growth-factor=${growing ? 2 : 1}`)
  }

  return {
    name: 'young generation',
    async close() {
      observer.disconnect()
      grow(true)
    }
  }
}

/** Bytes set aside for young objects of this thread, used or not. */
export function youngBytes(): number {
  const spaces = getHeapSpaceStatistics()
  return spaces.find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0
}
