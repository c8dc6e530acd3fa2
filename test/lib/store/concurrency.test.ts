import t from 'tap'
import { abortable } from '../../../lib/process/abortable.ts'
import { boundedEach } from '../../../lib/store/bounded-each.ts'
import { createKeyedSerial } from '../../../lib/store/keyed-serial.ts'
import { createSharedTorrents } from '../../../lib/store/shared-torrents.ts'
import { sampleTorrent } from '../../fakes/sample-torrent.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const { infoHash } = sampleTorrent({ size: 10, pieceLength: 16_384 }).metainfo

t.test('boundedEach runs as many as it may, and all of them', async (t) => {
  let running = 0
  let most = 0
  const done: number[] = []
  await boundedEach([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    most = Math.max(most, ++running)
    await turn()
    running--
    done.push(item)
  })
  t.equal(most, 3)
  t.same(done.sort(), [1, 2, 3, 4, 5, 6, 7])
})

t.test('boundedEach stops at the first failure, after what was running', async (t) => {
  const done: number[] = []
  const failing = boundedEach([1, 2, 3, 4, 5], 2, async (item) => {
    if (item === 1) throw new Error('first')
    await turn()
    done.push(item)
  })
  await t.rejects(failing, { message: 'first' })
  t.same(done, [2])
})

t.test('jobs of a key run one after the other, of two keys side by side', async (t) => {
  const serial = createKeyedSerial<string>()
  const log: string[] = []
  const job = (name: string) => async () => {
    log.push(`${name} starts`)
    await turn()
    log.push(`${name} ends`)
    if (name === 'a1') throw new Error('a1 failed')
    return name
  }
  const a1 = t.rejects(serial.run('a', job('a1')), { message: 'a1 failed' })
  const rest = [serial.run('a', job('a2')), serial.run('b', job('b1'))]
  t.same(await Promise.all(rest), ['a2', 'b1'], 'a failure does not stop the next')
  await a1
  await serial.settled()
  t.ok(log.indexOf('a1 ends') < log.indexOf('a2 starts'))
  t.ok(log.indexOf('b1 starts') < log.indexOf('a1 ends'))
})

t.test('orAborted gives the outcome or the reason, whichever is first', async (t) => {
  const leaving = new AbortController()
  t.equal(await abortable(Promise.resolve(1), leaving.signal), 1)
  await t.rejects(abortable(Promise.reject(new Error('no')), leaving.signal), { message: 'no' })
  const never = abortable(new Promise(() => {}), leaving.signal)
  leaving.abort(new Error('left'))
  await t.rejects(never, { message: 'left' })
  await t.rejects(abortable(Promise.resolve(1), leaving.signal), { message: 'left' })
})

t.test('a torrent is opened for its first user and closed after its last', async (t) => {
  const log: string[] = []
  const torrents = createSharedTorrents<string>(async (torrent) => void log.push(`-${torrent}`))
  const hold = () =>
    torrents.exclusively(infoHash, () =>
      torrents.hold(infoHash, async () => {
        log.push('+x')
        return 'x'
      })
    )
  const [a, b] = await Promise.all([hold(), hold()])
  t.equal(torrents.get(infoHash), 'x')
  await Promise.all([a.release(), a.release()])
  t.same(log, ['+x'])
  await b.release()
  t.same(log, ['+x', '-x'])
  t.equal(torrents.get(infoHash), undefined)

  const c = await hold()
  t.equal(await torrents.exclusively(infoHash, async () => torrents.take(infoHash)), 'x')
  const d = await hold()
  await c.release()
  t.equal(torrents.get(infoHash), 'x', 'an old hold does not close the new one')
  await torrents.close()
  await d.release()
  t.same(log, ['+x', '-x', '+x', '+x', '-x'])
  await t.rejects(hold(), { code: 'SHUTTING_DOWN' })
})

t.test('a torrent that fails to open is not kept', async (t) => {
  const torrents = createSharedTorrents<string>(async () => {})
  const failing = torrents.hold(infoHash, () => Promise.reject(new Error('damaged')))
  await t.rejects(failing, { message: 'damaged' })
  t.equal(torrents.get(infoHash), undefined)
})
