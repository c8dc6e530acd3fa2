/** Who is announced next, what about, and what trackers are told. */
import t from 'tap'
import { createAnnounceSchedule } from '../../../../lib/swarm/webrtc/announce-schedule.ts'
import { hashOf } from '../../../tracker/announce/tracker-fixture.ts'

const [A, B] = [hashOf(1), hashOf(2)]
const open = () => createAnnounceSchedule(() => 0)

t.test('a torrent is started at once and repeated at the interval', async (t) => {
  const schedule = open()
  t.equal(schedule.dueMs, undefined)
  schedule.put(A, 5)
  t.equal(schedule.dueMs, 0)
  t.same(schedule.take(1000), { infoHash: A, left: 5, event: 'started' })
  t.equal(schedule.take(1000), undefined)
  t.equal(schedule.dueMs, 121_000)
  t.equal(schedule.take(120_999), undefined)
  t.same(schedule.take(121_000), { infoHash: A, left: 5, event: undefined })
})

t.test('the interval is the tracker’s, within reason', async (t) => {
  const schedule = open()
  const intervalAfter = (seconds: number | undefined) => {
    schedule.interval(seconds)
    schedule.put(A, 1)
    schedule.reset()
    schedule.take(0)
    return schedule.dueMs
  }
  t.equal(intervalAfter(300), 300_000)
  t.equal(intervalAfter(undefined), 300_000)
  t.equal(intervalAfter(0.001), 30_000)
  t.equal(intervalAfter(1e9), 3_600_000)
})

t.test('completed is told once, and only of what was missing something', async (t) => {
  const schedule = open()
  schedule.put(A, 5)
  schedule.put(B, 0)
  schedule.put(A, 3)
  t.same(schedule.take(0), { infoHash: A, left: 3, event: 'started' })
  t.same(schedule.take(0), { infoHash: B, left: 0, event: 'started' })
  schedule.put(A, 2)
  t.equal(schedule.take(0), undefined)
  schedule.put(A, 0)
  schedule.put(B, 0)
  t.same(schedule.take(0), { infoHash: A, left: 0, event: 'completed' })
  t.equal(schedule.take(0), undefined)
})

t.test('stopped is told of what was started only', async (t) => {
  const schedule = open()
  schedule.put(A, 0)
  schedule.remove(A)
  t.equal(schedule.take(0), undefined)
  schedule.put(A, 0)
  schedule.take(0)
  schedule.remove(A)
  schedule.remove(A)
  t.same(schedule.take(0), { infoHash: A, left: 0, event: 'stopped' })
  t.equal(schedule.take(1e9), undefined)
  schedule.put(B, 1)
  schedule.take(0)
  schedule.stop()
  t.same(schedule.take(0), { infoHash: B, left: 1, event: 'stopped' })
  t.equal(schedule.dueMs, undefined)
})

t.test('a torrent that comes back before its stop was told is started again', async (t) => {
  const schedule = open()
  schedule.put(A, 0)
  schedule.take(0)
  schedule.remove(A)
  schedule.put(A, 0)
  t.same(schedule.take(0), { infoHash: A, left: 0, event: 'started' })
  t.equal(schedule.take(0), undefined)
})

t.test('with a new socket everything is news', async (t) => {
  const schedule = open()
  schedule.put(A, 1)
  schedule.put(B, 0)
  schedule.take(0)
  schedule.take(0)
  schedule.remove(B)
  schedule.reset()
  t.same(schedule.take(0), { infoHash: A, left: 1, event: 'started' })
  t.equal(schedule.take(0), undefined)
})

t.test('ten thousand torrents go round, each once per interval', async (t) => {
  const schedule = createAnnounceSchedule()
  const hashes = Array.from({ length: 10_000 }, (_, n) => hashOf(n))
  for (const infoHash of hashes) schedule.put(infoHash, 0)
  const round = (nowMs: number) => {
    const seen = new Set<string>()
    for (let due = schedule.take(nowMs); due; due = schedule.take(nowMs)) seen.add(due.infoHash)
    return seen.size
  }
  t.equal(round(0), 10_000)
  t.equal(round(1000), 0)
  t.equal(round(120_000), 10_000)
})
