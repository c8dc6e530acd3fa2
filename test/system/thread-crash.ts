/**
 * Loaded into a process under test (`--import`): its swarm thread ends by an uncaught error as soon
 * as there is a file named after the process in `THREAD_CRASH_FOLDER`.
 */
import { rmSync } from 'node:fs'
import { isMainThread, threadName } from 'node:worker_threads'

const EVERY_MS = 20
const file = `${process.env.THREAD_CRASH_FOLDER}/${process.pid}`

if (!isMainThread && threadName === 'swarm') {
  setInterval(() => {
    try {
      rmSync(file)
    } catch {
      return
    }
    throw new Error('the test wanted this thread to end')
  }, EVERY_MS).unref()
}
