import t from 'tap'
import { startLeases } from '../../../tracker/fleet/leases.ts'
import { silentLog } from '../../fakes/silent-log.ts'

t.test('a tracker that starts gives everybody a whole lease', async (t) => {
  const extended: number[] = []
  const leases = await startLeases(
    { leaseMs: 15_000, sweepMs: 60_000 },
    {
      catalogue: {
        expire: async () => {},
        forgetNodes: async () => {},
        extendLeases: async (until) => void extended.push(until)
      },
      now: () => 1000,
      log: silentLog
    }
  )
  t.same(extended, [16_000])
  await leases.close()
  await leases.close()
})

t.test('leases are swept again and again, also after a sweep that failed', async (t) => {
  const sweeps: number[] = []
  const third = Promise.withResolvers<void>()
  const leases = await startLeases(
    { leaseMs: 15_000, sweepMs: 1 },
    {
      catalogue: {
        extendLeases: async () => {},
        forgetNodes: async () => {},
        async expire(now) {
          sweeps.push(now)
          if (sweeps.length === 1) throw new Error('the disk is slow')
          if (sweeps.length === 3) third.resolve()
        }
      },
      now: () => 7,
      log: silentLog
    }
  )
  await third.promise
  await leases.close()
  t.same(sweeps.slice(0, 3), [7, 7, 7])
})
