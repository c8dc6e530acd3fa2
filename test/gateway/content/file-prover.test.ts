import t, { type Test } from 'tap'
import { createFileProver } from '../../../gateway/content/file-prover.ts'
import type { Session } from '../../../lib/node/session.ts'
import { sampleTorrent } from '../../fakes/sample-torrent.ts'
import { silentLog as log } from '../../fakes/silent-log.ts'
import { openRig, store, until } from '../../lib/node/node-rig.ts'

const PIECE = 16384
const anyone = new AbortController().signal

/** Two files that share piece 1; three pieces. */
async function openSession(t: Test) {
  const rig = await openRig(t)
  const sample = sampleTorrent({ size: 40_000, pieceLength: PIECE, files: [20_000, 20_000] })
  await store(rig.library, sample)
  const { infoHash } = rig.fleet.publish(sample)
  const session = await rig.node.open(infoHash, anyone)
  return { rig, session, infoHash }
}

const proven = ({ store }: Session) =>
  [0, 1, 2].filter((k) => {
    const span = { start: k * PIECE, end: k * PIECE + 1 }
    return store.provenPrefix(span).end === span.end
  })

t.test('the pieces of one file are proven, and no others', async (t) => {
  const { session } = await openSession(t)
  const prover = createFileProver({ log })
  prover.prove(session, 0)
  t.ok(session.busy, 'the session is in use meanwhile')
  await until(() => !session.busy)
  t.same(proven(session), [0, 1])
  prover.prove(session, 1)
  await until(() => !session.busy)
  t.same(proven(session), [0, 1, 2])
})

t.test('one file at a time', async (t) => {
  const { session } = await openSession(t)
  const prover = createFileProver({ log })
  prover.prove(session, 0)
  prover.prove(session, 1)
  await until(() => !session.busy)
  t.same(proven(session), [0, 1])
})

t.test('it ends with the session, and is free for another', async (t) => {
  const { rig, session, infoHash } = await openSession(t)
  const prover = createFileProver({ log })
  session.store.prove = (_index, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  prover.prove(session, 0)
  await rig.node.drop(infoHash)
  await until(() => !session.busy)
  const other = await openSession(t)
  prover.prove(other.session, 0)
  await until(() => !other.session.busy)
  t.same(proven(other.session), [0, 1])
})

t.test('a wrong piece and a failing disk end it quietly', async (t) => {
  const { session } = await openSession(t)
  const prover = createFileProver({ log })
  const outcomes = [Promise.resolve(false), Promise.reject(new Error('the disk is gone'))]
  for (const outcome of outcomes) outcome.catch(() => {})
  for (const outcome of outcomes) {
    let asked = 0
    session.store.prove = () => {
      asked++
      return outcome
    }
    prover.prove(session, 0)
    await until(() => !session.busy)
    t.equal(asked, 1)
  }
})
