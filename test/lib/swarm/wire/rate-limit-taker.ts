/** A thread that takes from a shared limit until nothing is left. */
import { parentPort, workerData } from 'node:worker_threads'
import { createRateLimit } from '../../../../lib/swarm/wire/rate-limit.ts'

const { memory, gate, rate, now } = workerData
const limit = createRateLimit(memory, rate)
const started = new Int32Array(gate)
parentPort?.postMessage('ready')
Atomics.wait(started, 0, 0)
let taken = 0
for (let step = 1; ; step++) {
  const granted = limit.take((step * 7919) % 5000, now)
  if (granted === 0 && limit.take(1, now) === 0) break
  taken += granted
}
parentPort?.postMessage(taken)
