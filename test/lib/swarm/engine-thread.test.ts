/** A thread that ends is started again, and ends nothing else. */

import { once } from 'node:events'
import { createServer } from 'node:net'
import { pino } from 'pino'
import t from 'tap'
import type { EngineConfig } from '../../../lib/swarm/contract.ts'
import {
  type EngineNews,
  type EngineThreadDeps,
  startEngineThread
} from '../../../lib/swarm/engine-thread.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { makeContent } from './torrent-folder.ts'

const ENTRY = new URL('./fragile-engine.ts', import.meta.url)
const CONFIG: EngineConfig = {
  host: '127.0.0.1',
  port: 0,
  maxPeers: 1,
  maxPeersPerTorrent: 1,
  maxPeersPerAddress: 100,
  access: 'open'
}
const { infoHash } = makeContent('any', 1)

function deps(more: Partial<EngineThreadDeps> = {}): EngineThreadDeps {
  return { log: silentLog, onEvent: () => {}, onRestart: () => {}, ...more }
}

t.test(
  'a thread that fails comes back on its port, and is told to be spoken to again',
  async (t) => {
    const lines: string[] = []
    const log = pino({}, { write: (line: string) => void lines.push(line) })
    let restarted = () => {}
    const restart = new Promise<void>((resolve) => {
      restarted = resolve
    })
    const news: EngineNews[] = []
    let heard = () => {}
    const answer = new Promise<void>((resolve) => {
      heard = resolve
    })
    const onEvent = (event: EngineNews) => {
      news.push(event)
      heard()
    }
    const thread = await startEngineThread(
      ENTRY,
      CONFIG,
      deps({ log, onEvent, onRestart: restarted })
    )
    t.teardown(() => thread.close())
    thread.send({ type: 'leave', infoHash })
    await restart
    t.match(lines[0], /told to fail/)
    thread.send({ type: 'evict', infoHash, first: 1, end: 2 })
    await answer
    t.same(news, [{ type: 'evicted', infoHash, first: 1, end: 2 }])
  }
)

t.test('an engine that cannot start rejects', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => void taken.close())
  const address = taken.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  await t.rejects(startEngineThread(ENTRY, { ...CONFIG, port }, deps()), { code: 'EADDRINUSE' })
})

t.test('closing ends the thread, also while it is being started again', async (t) => {
  const thread = await startEngineThread(ENTRY, CONFIG, deps())
  await Promise.all([thread.close(), thread.close()])

  const failing = await startEngineThread(ENTRY, CONFIG, deps())
  failing.send({ type: 'leave', infoHash })
  await failing.close()
  failing.send({ type: 'leave', infoHash })
  t.pass('and what is sent afterwards is nobody’s')
})
