import t from 'tap'
import { type InfoHash, parseInfoHash } from '../../../core/info-hash.ts'
import { createMetadataRequests } from '../../../lib/swarm/metadata-requests.ts'

const A = parseInfoHash('aa'.repeat(20)) as InfoHash
const B = parseInfoHash('bb'.repeat(20)) as InfoHash
const peer = (n: number) => ({ host: `192.0.2.${n}`, port: 1, class: 'stranger' }) as const
const NEVER = new AbortController().signal

t.test('peers heard of meanwhile are kept for a thread that starts again', async (t) => {
  const requests = createMetadataRequests()
  const info = requests.wait(A, [peer(1)], NEVER, () => t.fail('somebody waits'))
  t.ok(requests.add(A, [peer(2), peer(1)]))
  t.same([...requests.open()], [[A, [peer(1), peer(2)]]])
  t.equal(requests.heard(A), 2)
  requests.arrived(A, Buffer.from('info'))
  t.same(await info, Buffer.from('info'))
  t.equal(requests.heard(A), 0)
  t.notOk(requests.add(A, [peer(3)]), 'it has come')
  t.notOk(requests.add(B, [peer(3)]), 'nobody asked')
})

t.test('peers of one that asks later are added to those of the first', async (t) => {
  const requests = createMetadataRequests()
  const stop = new AbortController()
  const first = requests.wait(A, [peer(1)], stop.signal, () => {})
  const second = requests.wait(A, [], stop.signal, () => {})
  t.equal(requests.heard(A), 1)
  stop.abort(new Error('enough'))
  await t.rejects(first, { message: 'enough' })
  await t.rejects(second, { message: 'enough' })
  t.same([...requests.open()], [])
})

t.test('they are bounded', async (t) => {
  const requests = createMetadataRequests()
  const stop = new AbortController()
  const info = requests.wait(A, [], stop.signal, () => {})
  for (let port = 1; port <= 1000; port++) requests.add(A, [{ ...peer(1), port }])
  t.equal(requests.heard(A), 200)
  stop.abort(new Error('enough'))
  await t.rejects(info)
})
