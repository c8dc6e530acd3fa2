/** Swarms of every kind of peer, replayed from a seed. */
import t from 'tap'
import { fetchingRig } from './fetching-rig.ts'
import type { RemotePeer } from './remote-peer.ts'

const KiB = 1024
const ROUNDS = 12
const SEED = Number(process.env['SWARM_SEED'] ?? 20_261)

/** Numbers in [0, 1) that follow from the seed alone. */
function numbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let value = Math.imul(state ^ (state >>> 15), state | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }
}

function trouble(remote: RemotePeer, next: () => number): void {
  const chance = next()
  if (chance < 0.01) remote.choke()
  else if (chance < 0.05) remote.unchoke()
  else if (chance < 0.055) remote.frozen = true
  else if (chance < 0.1) remote.frozen = false
  else if (chance < 0.102) remote.disconnect()
}

for (let round = 0; round < ROUNDS; round++) {
  const seed = SEED + round
  const all = round % 2 === 0
  const aim = all ? 'everything' : 'what a reader’s window moves over'
  t.test(`${aim} arrives through a storm of peers, seed ${seed}`, async (t) => {
    const next = numbers(seed)
    // Where equals begin is a matter of chance in the order of rarity.
    t.intercept(Math, 'random', { value: numbers(seed + 1) })
    const pick = <T>(values: readonly [T, ...T[]]): T =>
      values[Math.floor(next() * values.length)] ?? values[0]
    const rig = fetchingRig(t, {
      size: 4 * 1024 * KiB - 777,
      pieceLength: pick([16, 64, 256]) * KiB,
      poolBytes: pick([1, 4, 64]) * 1024 * KiB,
      write: () => pick(['written', 'written', 'written', 'absent', 'failed'])
    })
    const { pieceCount } = rig.geometry
    const liars = new Set<RemotePeer>()
    let heard = 0
    const invite = () => {
      const lies = next() < 0.25
      const remote = rig.join({
        fast: next() < 0.5,
        choked: next() < 0.3,
        bytesPerSecond: pick([4, 64, 1024, 8192]) * KiB,
        delayMs: pick([0, 20, 300]),
        ...(next() < 0.3
          ? { pieces: Array.from({ length: pieceCount }, (_, i) => i).filter(() => next() < 0.5) }
          : {}),
        ...(lies ? { lies: () => next() < 0.2 } : {}),
        ...(next() < 0.2 ? { rejects: () => next() < 0.5 } : {})
      })
      if (lies) liars.add(remote)
    }
    const rock = rig.join({ bytesPerSecond: 256 * KiB, delayMs: 30, fast: round % 3 === 0 })
    for (let count = 0; count < 8; count++) invite()

    let first = 0
    const wantNext = () => {
      while (rig.bits.has(first)) first++
      rig.want({
        windows: [
          { first, end: first + 6 },
          { first: pieceCount >> 1, end: pieceCount }
        ]
      })
    }
    if (all) rig.want({ all: true })
    const done = await rig.until(() => {
      for (const remote of rig.remotes) if (remote !== rock) trouble(remote, next)
      if (next() < 0.02 && rig.peers.size < 12) invite()
      if (!all && (heard !== rig.verified.length || next() < 0.01)) {
        heard = rig.verified.length
        wantNext()
      } else if (!all && rig.ms === 0) wantNext()
      return rig.bits.full
    }, 240_000)
    t.ok(done, `${rig.bits.count()} of ${pieceCount} pieces in ${rig.ms} ms`)
    t.equal(new Set(rig.verified).size, rig.verified.length, 'each piece is told once')
    for (const serial of rig.guilty) {
      const remote = rig.remotes[serial - 1]
      t.ok(remote !== undefined && liars.has(remote), `${serial} is blamed for good reason`)
    }
    t.notOk(rig.closed.has(rock.peer.serial), 'the honest peer is kept')
    await rig.until(
      () => [...rig.peers.values()].every(({ requests }) => requests.size === 0),
      20_000
    )
    await rig.fetching.close()
    t.equal(rig.pool.usedBytes, 0, 'all memory is given back')
    for (const peer of [...rig.peers.values()]) {
      t.equal(peer.requests.size, 0, 'nobody is waited for')
      t.equal(peer.arrival, undefined)
    }
    const blocks = Math.ceil(rig.geometry.size / (16 * KiB))
    const received = rig.remotes.reduce((sum, { sentBlocks }) => sum + sentBlocks, 0)
    t.ok(received < 4 * blocks, 'lies, chokes and silence included')
    t.comment(`${rig.ms} ms, ${(received / blocks).toFixed(2)} blocks received for each one`)
    t.comment(`${rig.guilty.size} of ${liars.size} liars found, ${rig.remotes.length} peers in all`)
  })
}
