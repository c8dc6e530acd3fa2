/**
 * Entry of the worker thread: the engine behind a message port.
 *
 * An error that nobody catches ends this thread and nothing else; the main thread starts another
 * one and joins the torrents again.
 */
import { parentPort, workerData } from 'node:worker_threads'
import type { EngineCommand, EngineConfig } from '../contract.ts'
import { openEngine } from './engine.ts'

if (parentPort === null) throw new Error('this file runs in a worker thread only')
const port = parentPort
const config: EngineConfig = workerData

const engine = await openEngine(config, (event) => port.postMessage(event))
port.on('message', (command: EngineCommand) => {
  if (command.type === 'close') void engine.close().then(() => process.exit(0))
  else engine.handle(command)
})
