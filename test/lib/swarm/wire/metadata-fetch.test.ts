import { createHash } from 'node:crypto'
import t from 'tap'
import { infoHashOf } from '../../../../core/info-hash.ts'
import {
  createMetadataFetch,
  type MetadataFetch,
  type MetadataOutcome
} from '../../../../lib/swarm/wire/metadata-fetch.ts'
import { METADATA_PIECE_BYTES, metadataPiece } from '../../../../lib/swarm/wire/metadata-message.ts'

const MAX_BYTES = 2 ** 20
const MORE = { status: 'more' }

/** Bytes that look like nothing, the same in every run. */
function makeInfo(size: number): Uint8Array {
  const bytes = Buffer.alloc(size)
  for (let at = 0; at < size; at += 20) {
    createHash('sha1').update(`${at}`).digest().copy(bytes, at)
  }
  return bytes
}

const INFO = makeInfo(3 * METADATA_PIECE_BYTES + 100)
const WRONG = Uint8Array.from(INFO, (byte) => byte ^ 1)

function fetchOf(info: Uint8Array, maxBytes = MAX_BYTES): MetadataFetch {
  return createMetadataFetch({ infoHash: infoHashOf(info), maxBytes })
}

/** Asks a peer for all it may be asked for now. */
function asked(fetch: MetadataFetch, peer: number): number[] {
  const pieces: number[] = []
  for (let piece = fetch.next(peer); piece !== undefined; piece = fetch.next(peer)) {
    pieces.push(piece)
  }
  return pieces
}

function give(fetch: MetadataFetch, peer: number, piece: number, from = INFO): MetadataOutcome {
  const bytes = metadataPiece(from, piece) ?? new Uint8Array()
  return fetch.data(peer, piece, from.byteLength, bytes)
}

/** A peer that answers everything it is asked; the outcomes that say something. */
function serve(fetch: MetadataFetch, peer: number, from = INFO): MetadataOutcome[] {
  const outcomes = asked(fetch, peer).map((piece) => give(fetch, peer, piece, from))
  return outcomes.filter(({ status }) => status !== 'more')
}

t.test('one honest peer is enough', async (t) => {
  for (const size of [
    1,
    METADATA_PIECE_BYTES,
    METADATA_PIECE_BYTES + 1,
    20 * METADATA_PIECE_BYTES
  ]) {
    const info = makeInfo(size)
    const fetch = fetchOf(info)
    fetch.peerReady(1, size)
    const outcomes = []
    while (outcomes.length === 0) outcomes.push(...serve(fetch, 1, info))
    t.strictSame(outcomes.length, 1)
    const [outcome] = outcomes
    t.ok(outcome?.status === 'complete' && Buffer.from(outcome.info).equals(info), `${size} bytes`)
  }
})

t.test('several peers share the work, in any order', async (t) => {
  const info = makeInfo(12 * METADATA_PIECE_BYTES)
  const fetch = fetchOf(info)
  fetch.peerReady(1, info.byteLength)
  fetch.peerReady(2, info.byteLength)
  t.strictSame(asked(fetch, 1), [0, 1, 2, 3, 4, 5, 6, 7], 'so many at once')
  t.strictSame(asked(fetch, 2), [8, 9, 10, 11], 'the others')
  for (const piece of [11, 9, 10, 8]) t.same(give(fetch, 2, piece, info), MORE)
  for (const piece of [7, 6, 5, 4, 3, 2, 1]) t.same(give(fetch, 1, piece, info), MORE)
  t.equal(give(fetch, 1, 0, info).status, 'complete')
})

t.test(
  'a piece that somebody is asked for is asked of one more who has nothing to do',
  async (t) => {
    const fetch = fetchOf(INFO)
    for (const peer of [1, 2, 3]) fetch.peerReady(peer, INFO.byteLength)
    t.strictSame(asked(fetch, 1), [0, 1, 2, 3])
    t.strictSame(asked(fetch, 2), [0], 'one, and no more while it waits')
    t.strictSame(asked(fetch, 3), [1])
    t.same(give(fetch, 2, 0), MORE)
    t.same(give(fetch, 1, 0, WRONG), MORE, 'the second answer is of no use')
    t.same(give(fetch, 3, 1), MORE)
    t.same(give(fetch, 1, 2), MORE)
    t.equal(give(fetch, 1, 3).status, 'complete')
  }
)

t.test('it is over when it is complete', async (t) => {
  const fetch = fetchOf(INFO)
  fetch.peerReady(1, INFO.byteLength)
  serve(fetch, 1)
  fetch.peerReady(2, INFO.byteLength)
  t.equal(fetch.next(1), undefined)
  t.equal(fetch.next(2), undefined)
  t.same(give(fetch, 1, 0), MORE)
})

t.test('a silent peer loses its pieces after two seconds and rests', async (t) => {
  const fetch = fetchOf(INFO)
  fetch.tick(1_000_000)
  fetch.peerReady(1, INFO.byteLength)
  fetch.peerReady(2, INFO.byteLength)
  t.strictSame(asked(fetch, 1), [0, 1, 2, 3])
  fetch.tick(1_000_500)
  fetch.tick(1_002_400)
  t.strictSame(asked(fetch, 2), [0], 'it may still answer')
  t.same(give(fetch, 2, 0), MORE)
  fetch.tick(1_002_500)
  t.strictSame(asked(fetch, 2), [1, 2, 3])
  t.strictSame(asked(fetch, 1), [], 'not again so soon')
  t.same(give(fetch, 1, 1), MORE, 'but what comes late is taken')
  t.strictSame(asked(fetch, 1), [2], 'and ends its rest')
  t.same(give(fetch, 2, 2), MORE)
  t.equal(give(fetch, 2, 3).status, 'complete')
})

t.test('the only peer is asked again when it has rested, longer each time', async (t) => {
  const fetch = fetchOf(INFO)
  fetch.peerReady(1, INFO.byteLength)
  const askedAt: number[] = []
  for (let now = 0; now < 60_000; now += 500) {
    fetch.tick(now)
    if (asked(fetch, 1).length > 0) askedAt.push(now)
  }
  const gaps = askedAt.slice(1).map((at, turn) => at - (askedAt[turn] ?? 0))
  t.strictSame(gaps, [4500, 6500, 10_500, 18_500])
})

t.test('a peer that rejects is not asked again at once, others are', async (t) => {
  const fetch = fetchOf(INFO)
  fetch.tick(0)
  fetch.peerReady(1, INFO.byteLength)
  for (const piece of asked(fetch, 1)) fetch.rejected(1, piece)
  t.strictSame(asked(fetch, 1), [])
  fetch.peerReady(2, INFO.byteLength)
  t.equal(serve(fetch, 2)[0]?.status, 'complete')
})

t.test('what a lost peer was asked for is asked of others, what it gave stays', async (t) => {
  const fetch = fetchOf(INFO)
  fetch.peerReady(1, INFO.byteLength)
  fetch.peerReady(2, INFO.byteLength)
  asked(fetch, 1)
  give(fetch, 1, 0)
  fetch.gone(1)
  t.strictSame(asked(fetch, 2), [1, 2, 3])
  t.same(give(fetch, 1, 1), MORE, 'the lost have no voice')
  for (const piece of [1, 2]) give(fetch, 2, piece)
  t.equal(give(fetch, 2, 3).status, 'complete')
})

t.test('a wrong whole by one peer names the liar', async (t) => {
  const fetch = fetchOf(INFO)
  fetch.peerReady(1, INFO.byteLength)
  t.strictSame(serve(fetch, 1, WRONG), [{ status: 'wrong', liars: [1] }])
  t.strictSame(asked(fetch, 1), [])
  fetch.peerReady(2, INFO.byteLength)
  t.equal(serve(fetch, 2)[0]?.status, 'complete')
})

t.test('a wrong whole by several: each is asked for all of it, the liar is found', async (t) => {
  const fetch = fetchOf(INFO)
  for (const peer of [1, 2, 3]) fetch.peerReady(peer, INFO.byteLength)
  t.strictSame(asked(fetch, 1), [0, 1, 2, 3])
  t.strictSame(asked(fetch, 2), [0])
  give(fetch, 2, 0, WRONG)
  give(fetch, 1, 1)
  give(fetch, 1, 2)
  t.strictSame(give(fetch, 1, 3), { status: 'wrong', liars: [] }, 'nobody is accused yet')
  t.same(give(fetch, 1, 0), MORE, 'what is on the way is forgotten')
  t.strictSame(serve(fetch, 2, WRONG), [{ status: 'wrong', liars: [2] }])
  t.strictSame(asked(fetch, 3), [0, 1, 2, 3], 'the whole')
  const [outcome] = serve(fetch, 1)
  t.ok(outcome?.status === 'complete' && Buffer.from(outcome.info).equals(INFO))
})

t.test('liars in the majority do not keep an honest peer from being heard', async (t) => {
  const fetch = fetchOf(INFO)
  const honest = 50
  for (let peer = 0; peer < 100; peer++) fetch.peerReady(peer, INFO.byteLength)
  const found: MetadataOutcome[] = []
  for (let turn = 0; turn < 10 && !found.some(({ status }) => status === 'complete'); turn++) {
    for (let peer = 0; peer < 100; peer++) {
      found.push(...serve(fetch, peer, peer === honest ? INFO : WRONG))
    }
  }
  t.equal(found.at(-1)?.status, 'complete')
  const accused = found.flatMap((outcome) => (outcome.status === 'wrong' ? outcome.liars : []))
  t.notOk(accused.includes(honest))
})

t.test('different sizes never mix', async (t) => {
  const fetch = fetchOf(INFO)
  fetch.peerReady(1, 100_000)
  fetch.peerReady(2, INFO.byteLength)
  t.strictSame(asked(fetch, 1), [0, 1, 2, 3, 4, 5, 6])
  t.same(fetch.data(1, 0, 100_000, new Uint8Array(METADATA_PIECE_BYTES)), MORE)
  t.strictSame(asked(fetch, 2), [0, 1, 2, 3])
  for (const piece of [0, 1, 2]) give(fetch, 2, piece)
  t.equal(give(fetch, 2, 3).status, 'complete')
})

t.test('a piece of a wrong length, or of another total than promised, is a lie', async (t) => {
  const size = INFO.byteLength
  const lies: readonly (readonly [number, number, number])[] = [
    [0, size, METADATA_PIECE_BYTES - 1],
    [0, size, 0],
    [3, size, METADATA_PIECE_BYTES],
    [0, size + 1, METADATA_PIECE_BYTES]
  ]
  for (const [piece, totalSize, length] of lies) {
    const fetch = fetchOf(INFO)
    fetch.peerReady(1, size)
    asked(fetch, 1)
    const outcome = fetch.data(1, piece, totalSize, new Uint8Array(length))
    t.strictSame(outcome, { status: 'wrong', liars: [1] })
  }
})

t.test('what nobody asked for is ignored', async (t) => {
  const fetch = fetchOf(INFO)
  t.same(give(fetch, 1, 0), MORE)
  fetch.rejected(1, 0)
  fetch.gone(1)
  fetch.peerReady(1, INFO.byteLength)
  t.same(give(fetch, 1, 0, WRONG), MORE)
  asked(fetch, 1)
  for (const piece of [7, -1, 2 ** 32, 0.5]) {
    t.same(fetch.data(1, piece, INFO.byteLength, new Uint8Array(9)), MORE)
  }
  give(fetch, 1, 0)
  t.same(give(fetch, 1, 0, WRONG), MORE, 'nor a second time')
  for (const piece of [1, 2]) give(fetch, 1, piece)
  t.equal(give(fetch, 1, 3).status, 'complete')
})

t.test('sizes that cannot be are not asked for', async (t) => {
  const fetch = fetchOf(INFO)
  for (const size of [0, -1, 1.5, Number.NaN, MAX_BYTES + 1, 2 ** 53]) {
    fetch.peerReady(1, size)
    t.equal(fetch.next(1), undefined, `${size}`)
  }
  fetch.peerReady(1, MAX_BYTES)
  t.equal(fetch.next(1), 0)
  fetch.peerReady(1, INFO.byteLength)
  t.equal(serve(fetch, 1)[0]?.status, 'complete', 'it may correct itself')
})

t.test('the bytes are copied: the memory they came in may be used again', async (t) => {
  const fetch = fetchOf(INFO)
  fetch.peerReady(1, INFO.byteLength)
  const lent = new Uint8Array(METADATA_PIECE_BYTES)
  let outcome: MetadataOutcome | undefined
  for (const piece of asked(fetch, 1)) {
    const bytes = metadataPiece(INFO, piece) ?? new Uint8Array()
    lent.set(bytes)
    outcome = fetch.data(1, piece, INFO.byteLength, lent.subarray(0, bytes.byteLength))
    lent.fill(0)
  }
  t.equal(outcome?.status, 'complete')
})

t.test('held bytes are bounded: who claims and waits loses what it sent', async (t) => {
  const fetch = fetchOf(INFO)
  const claimed = (peer: number) => MAX_BYTES - peer
  for (let peer = 0; peer < 20; peer++) fetch.peerReady(peer, claimed(peer))
  const block = new Uint8Array(METADATA_PIECE_BYTES)
  for (let turn = 0; turn < 7; turn++) {
    for (let peer = 0; peer < 20; peer++) {
      for (const piece of asked(fetch, peer)) fetch.data(peer, piece, claimed(peer), block)
    }
  }
  t.equal(asked(fetch, 0)[0], 0, 'the first begins anew')
  t.equal(asked(fetch, 19)[0], 8, 'the last goes on')
  fetch.peerReady(99, INFO.byteLength)
  t.equal(serve(fetch, 99)[0]?.status, 'complete')
})
