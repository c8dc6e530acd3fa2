/** An engine in a worker thread that does as little as possible and ends when told to leave. */
import { createServer } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import type { EngineCommand, EngineConfig, EngineEvent } from '../../../lib/swarm/contract.ts'

const config: EngineConfig = workerData
const server = createServer()
const post = (event: EngineEvent) => parentPort?.postMessage(event)

server.once('error', (err) => {
  throw err
})
server.listen(config.port, config.host, () => {
  const address = server.address()
  post({ type: 'ready', port: typeof address === 'object' && address !== null ? address.port : 0 })
})

parentPort?.on('message', (command: EngineCommand) => {
  if (command.type === 'close') process.exit(0)
  if (command.type === 'leave') throw new Error('told to fail')
  if (command.type === 'evict') post({ ...command, type: 'evicted' })
})
