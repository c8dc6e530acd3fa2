import t from 'tap'
import { AppError } from '../../../core/errors.ts'
import type { Lease, NodeRegistration } from '../../../lib/control/control.ts'
import { startMembership } from '../../../lib/node/membership.ts'
import { silentLog } from '../../fakes/silent-log.ts'

const registration = { id: 'a', freeBytes: 5, draining: false } as NodeRegistration

t.test(
  'a node registers, keeps its lease, and registers again when it was forgotten',
  async (t) => {
    const calls: string[] = []
    const seen = Promise.withResolvers<void>()
    const answers: Lease[] = [
      { leaseMs: 3, registerAgain: false },
      { leaseMs: 3, registerAgain: true }
    ]
    const membership = startMembership('a', {
      control: {
        async register() {
          calls.push('register')
          if (calls.filter((call) => call === 'register').length === 2) seen.resolve()
          return { leaseMs: 3, registerAgain: false }
        },
        async heartbeat(_id, report) {
          t.same(report, { freeBytes: 5, draining: false })
          calls.push('beat')
          return answers.shift() ?? { leaseMs: 60_000, registerAgain: false }
        }
      },
      describe: async () => registration,
      onRegistered: async () => void calls.push('holdings'),
      log: silentLog
    })
    await seen.promise
    await membership.close()
    const expected = ['register', 'holdings', 'beat', 'beat', 'register']
    t.same(calls.slice(0, 5), expected)
  }
)

t.test('a tracker that does not answer is tried again, and closing ends the wait', async (t) => {
  let tries = 0
  const tried = Promise.withResolvers<void>()
  const membership = startMembership('a', {
    control: {
      async register() {
        tries++
        tried.resolve()
        throw new AppError('TRACKER_UNAVAILABLE', 'down')
      },
      heartbeat: () => Promise.reject(new Error('not registered'))
    },
    describe: async () => registration,
    onRegistered: () => Promise.reject(new Error('not registered')),
    log: silentLog
  })
  await tried.promise
  t.notOk(membership.registered)
  await membership.close()
  await membership.close()
  t.equal(tries, 1)
})

t.test('a tracker that hangs does not hold up the end', async (t) => {
  const asked = Promise.withResolvers<void>()
  const membership = startMembership('a', {
    control: {
      register() {
        asked.resolve()
        return new Promise<Lease>(() => {})
      },
      heartbeat: () => Promise.reject(new Error('not registered'))
    },
    describe: async () => registration,
    onRegistered: async () => {},
    log: silentLog
  })
  await asked.promise
  await membership.close()
  t.notOk(membership.registered)
})
