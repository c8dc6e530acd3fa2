/** What one bad peer costs the reader beside a good one. */
import t from 'tap'
import { createRateLimit } from '../../../../lib/swarm/wire/rate-limit.ts'
import { fetchingRig } from './fetching-rig.ts'
import { frame } from './recorded-frames.ts'

const KiB = 1024
const MiB = 1024 * KiB
const BLOCK = 16 * KiB

for (const wasFast of [true, false]) {
  const kind = wasFast ? 'that was fast' : 'that never gave anything'
  t.test(`a peer ${kind} and freezes holds a reader up for two seconds in all`, async (t) => {
    const rig = fetchingRig(t, { size: 64 * MiB, pieceLength: 256 * KiB })
    const frozen = rig.join({ bytesPerSecond: 20 * MiB })
    if (wasFast) {
      rig.want({ windows: [{ first: 128, end: 256 }] })
      await rig.until(() => rig.bits.count() === 128, 10_000)
    }
    frozen.frozen = true
    const before = frozen.requests.length
    rig.join({ bytesPerSecond: 10 * MiB })
    let worst = 0
    for (let first = 0; first < 120; first += 2) {
      const from = rig.ms
      rig.want({ windows: [{ first, end: first + 2 }] })
      t.ok(await rig.until(() => rig.bits.has(first) && rig.bits.has(first + 1), 5000))
      worst = Math.max(worst, rig.ms - from)
    }
    // 30 MiB at 10 MiB/s take 3 s, and a turn of the window a tick of its own.
    const start = wasFast ? (128 / 4 / 20) * 1000 : 0
    t.ok(frozen.requests.length - before <= 64, 'it is not asked again and again')
    t.ok(worst < 600, `the worst wait was ${worst} ms`)
    t.ok(rig.ms - start < 3000 + 60 * 20 + 2500, `all came in ${rig.ms} ms`)
  })
}

t.test('what a silent peer was asked for is asked of others, not only what is due', async (t) => {
  const rig = fetchingRig(t, { size: MiB, pieceLength: 256 * KiB })
  const frozen = rig.join()
  rig.want({ windows: [{ first: 0, end: 4 }] })
  await rig.step(10)
  t.equal(frozen.requests.length, 64)
  frozen.frozen = true
  const honest = rig.join({ bytesPerSecond: 10 * KiB })
  await rig.until(() => false, 2300)
  t.ok(frozen.peer.silent)
  t.ok(honest.requests.some(({ index }) => index === 3))
})

t.test('a peer that gives again after a pause is asked again', async (t) => {
  const rig = fetchingRig(t, { size: 8 * MiB, pieceLength: 256 * KiB })
  const pausing = rig.join()
  rig.join({ bytesPerSecond: MiB })
  rig.want({ all: true })
  await rig.step(10)
  pausing.frozen = true
  await rig.until(() => pausing.peer.silent, 3000)
  const asked = pausing.requests.length
  pausing.frozen = false
  await rig.until(() => pausing.requests.length > asked, 1000)
  t.notOk(pausing.peer.silent)
  t.ok(await rig.until(() => rig.bits.full, 20_000))
  t.notOk(rig.closed.has(pausing.peer.serial))
})

t.test('a peer that stays frozen is closed, so that it can be dialled anew', async (t) => {
  const rig = fetchingRig(t, { size: 8 * MiB, pieceLength: 256 * KiB })
  const frozen = rig.join()
  rig.join({ bytesPerSecond: 400 * KiB })
  rig.want({ all: true })
  await rig.step(10)
  frozen.frozen = true
  t.ok(await rig.until(() => rig.closed.has(frozen.peer.serial), 16_000))
})

t.test('a peer that sends a byte now and then holds no block', async (t) => {
  const rig = fetchingRig(t, { size: MiB, pieceLength: 256 * KiB })
  const dribbler = rig.join()
  rig.want({ windows: [{ first: 0, end: 1 }] })
  await rig.step(10)
  // 50 bytes per second, the first of them at once, never a pause of two seconds.
  dribbler.bytesPerSecond = 50
  await rig.step(10)
  rig.join()
  t.ok(await rig.until(() => rig.bits.has(0), 1000), `in ${rig.ms} ms`)
})

t.test('a slow peer does not hold the head of a window of two pieces', async (t) => {
  const rig = fetchingRig(t, { size: 8 * MiB, pieceLength: 256 * KiB })
  rig.join({ bytesPerSecond: 64 * KiB })
  rig.join({ bytesPerSecond: 16 * MiB })
  rig.want({ windows: [{ first: 0, end: 2 }] })
  await rig.until(() => rig.bits.has(1), 5000)
  // Both have been measured once the first pieces are here.
  const from = rig.ms
  let first = 2
  await rig.until(() => {
    while (rig.bits.has(first)) first++
    rig.want({ windows: [{ first, end: first + 2 }] })
    return rig.bits.full
  }, 30_000)
  const took = rig.ms - from
  t.ok(took < 30 * 40, `7.5 MiB in ${took} ms`)
})

t.test('a slow peer gives what only it has', async (t) => {
  const rig = fetchingRig(t, { size: MiB, pieceLength: 256 * KiB })
  rig.join({ bytesPerSecond: 64 * KiB })
  rig.join({ bytesPerSecond: 16 * MiB, pieces: [1, 2, 3] })
  rig.want({ windows: [{ first: 0, end: 4 }] })
  t.ok(await rig.until(() => rig.bits.full, 8000), `in ${rig.ms} ms`)
})

t.test('a peer that rejects everything is asked a few times a second', async (t) => {
  const rig = fetchingRig(t, { size: 64 * MiB, pieceLength: 64 * KiB })
  const rejecting = rig.join({ rejects: () => true, bytesPerSecond: 100 * MiB })
  rig.want({ all: true })
  await rig.until(() => false, 10_000)
  t.ok(rejecting.requests.length < 1000, `${rejecting.requests.length} requests in 10 s`)
  t.ok(rejecting.requests.length > 50, 'it may have changed its mind')
})

t.test('a download limit is used up, not wasted on peers that have nothing', async (t) => {
  const bytesPerSecond = 256 * KiB
  const memory = new SharedArrayBuffer(8)
  const download = createRateLimit(memory, bytesPerSecond)
  const rig = fetchingRig(t, { size: 2 * MiB, pieceLength: 64 * KiB, download })
  for (let count = 0; count < 10; count++) rig.join({ pieces: [count] })
  rig.join()
  rig.want({ windows: [{ first: 0, end: 32 }] })
  t.ok(await rig.until(() => rig.bits.full, 12_000), `in ${rig.ms} ms`)
  t.ok(rig.ms > 6000, `in ${rig.ms} ms`)
})

t.test('memory of pieces that nobody has any more goes to those that somebody has', async (t) => {
  const rig = fetchingRig(t, { size: 8 * MiB, pieceLength: 256 * KiB, poolBytes: MiB })
  const early = [0, 1, 2, 3]
  const leaver = rig.join({ pieces: early, bytesPerSecond: 100 * KiB })
  rig.want({ all: true })
  await rig.until(() => leaver.sentBlocks > 2, 1000)
  leaver.disconnect()
  rig.join({ pieces: Array.from({ length: 28 }, (_, at) => at + 4) })
  t.ok(await rig.until(() => rig.bits.count() === 28, 10_000), `${rig.bits.count()} pieces`)
})

t.test('a liar that never finishes a piece alone is found all the same', async (t) => {
  const rig = fetchingRig(t, { size: 256 * KiB, pieceLength: 256 * KiB })
  // Each time it gives a wrong first block, chokes, and is back when the piece is asked for anew.
  const liar = rig.join({ fast: false, lies: (_, begin) => begin === 0, bytesPerSecond: MiB })
  rig.join({ bytesPerSecond: 512 * KiB })
  rig.want({ windows: [{ first: 0, end: 1 }] })
  let given = 0
  let chokedAt = 0
  const found = await rig.until(() => {
    if (liar.sentBlocks > given) {
      given = liar.sentBlocks
      chokedAt = rig.ms
      liar.choke()
    } else if (rig.ms > chokedAt + 100) liar.unchoke()
    return rig.bits.full
  }, 3000)
  t.ok(found, `in ${rig.ms} ms`)
  t.same([...rig.guilty], [liar.peer.serial])
})

t.test('a reader that seeks all the time excuses no frozen peer', async (t) => {
  const rig = fetchingRig(t, { size: 8 * MiB, pieceLength: 256 * KiB })
  const frozen = rig.join()
  await rig.step(10)
  frozen.frozen = true
  for (let first = 0; first < 9; first++) {
    rig.want({ windows: [{ first, end: first + 1 }] })
    await rig.until(() => false, 250)
  }
  t.ok(frozen.peer.silent)
})

t.test('who sends a block nobody asked for loses the connection, the piece is kept', async (t) => {
  const rig = fetchingRig(t, { size: MiB, pieceLength: 256 * KiB })
  const pushing = rig.join({ choked: true })
  rig.join({ bytesPerSecond: MiB })
  rig.want({ all: true })
  await rig.step(100)
  pushing.say(frame(7, 0, 0, Buffer.alloc(BLOCK, 1)))
  t.ok(await rig.until(() => rig.bits.full, 5000))
  t.equal(rig.closed.get(pushing.peer.serial), 'a block nobody asked for')
  t.equal(rig.guilty.size, 0)
})

t.test('what a reader has left is not asked for any more, and its memory is free', async (t) => {
  const rig = fetchingRig(t, { size: 8 * MiB, pieceLength: 256 * KiB })
  const remote = rig.join({ bytesPerSecond: MiB })
  rig.want({ windows: [{ first: 0, end: 8 }] })
  await rig.step(50)
  t.ok(rig.pool.usedBytes > 0)
  rig.want({})
  await rig.step(10)
  t.equal(rig.pool.usedBytes, 0)
  t.equal(remote.waiting, 0, 'it was told')
  t.notOk(remote.peer.amInterested)
})

t.test('a piece that the disk does not take is fetched again after a while', async (t) => {
  let refusals = 2
  const rig = fetchingRig(t, {
    size: MiB,
    pieceLength: 256 * KiB,
    write: (index) => (index === 1 && refusals-- > 0 ? 'failed' : 'written')
  })
  rig.join()
  rig.want({ windows: [{ first: 0, end: 4 }] })
  t.ok(await rig.until(() => rig.bits.full, 10_000))
  t.ok(rig.ms > 4000, 'not at once')
  t.equal(rig.guilty.size, 0)
})

t.test('a peer is told that we want nothing once everything is here', async (t) => {
  const rig = fetchingRig(t, { size: MiB, pieceLength: 256 * KiB })
  const { peer } = rig.join()
  rig.want({ all: true })
  await rig.step(10)
  t.ok(peer.amInterested)
  await rig.until(() => rig.bits.full, 5000)
  await rig.step(10)
  t.notOk(peer.amInterested)
  t.notOk(rig.fetching.hungry)
})

t.test('a flood of gained and lost pieces costs one search for each piece of news', async (t) => {
  const rig = fetchingRig(t, { size: 4096 * BLOCK, pieceLength: BLOCK })
  const remote = rig.join({ pieces: [], bytesPerSecond: 1000 * MiB })
  rig.want({ windows: [{ first: 0, end: 4096 }] })
  await rig.step(10)
  const haves = Array.from({ length: 2000 }, (_, at) => frame(4, at * 2))
  remote.say(Buffer.concat(haves))
  await rig.step(10)
  t.ok(remote.peer.amInterested)
  t.equal(remote.requests[0]?.index, 0)
  t.equal(new Set(remote.requests.map(({ index }) => index)).size, remote.requests.length)
})
