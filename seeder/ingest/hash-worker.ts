/**
 * The thread that hashes uploads. Commands and answers: `hash-messages.ts`.
 *
 * A file is read back in portions, without blocking, so that a long one does not hold up the
 * other uploads of this worker.
 */
import { open } from 'node:fs/promises'
import { parentPort } from 'node:worker_threads'
import { type ContentHash, createContentHash, createPieceHashes } from './content-hash.ts'
import type { HashAnswer, HashCommand } from './hash-messages.ts'

const READ_BYTES = 2 ** 20

interface Job {
  readonly memory: SharedArrayBuffer
  readonly hash: ContentHash
}

const port = parentPort
if (port === null) throw new Error('hash-worker.ts runs in a worker thread')
const jobs = new Map<number, Job>()
const answer = (message: HashAnswer) => port.postMessage(message)

port.on('message', (command: HashCommand) => {
  const { job } = command
  obey(command).catch((err: unknown) => {
    answer({ type: 'failed', job, message: err instanceof Error ? err.message : String(err) })
  })
})

async function obey(command: HashCommand): Promise<void> {
  const id = command.job
  if (command.type === 'begin') {
    jobs.set(id, { memory: command.memory, hash: createContentHash(command.plan) })
    return
  }
  const job = jobs.get(id)
  if (job === undefined) throw new Error('there is no such job')
  if (command.type === 'update') {
    job.hash.update(Buffer.from(job.memory, command.start, command.end - command.start))
    answer({ type: 'updated', job: id })
  } else if (command.type === 'finish') {
    answer({ type: 'sums', job: id, sums: job.hash.finish() })
  } else if (command.type === 'pieces') {
    answer({ type: 'pieces', job: id, pieces: await readPieces(command, () => jobs.has(id)) })
  } else {
    jobs.delete(id)
  }
}

async function readPieces(
  { path, pieceLength }: { readonly path: string; readonly pieceLength: number },
  wanted: () => boolean
): Promise<Uint8Array> {
  const hashes = createPieceHashes(pieceLength)
  const target = Buffer.allocUnsafe(READ_BYTES)
  const file = await open(path, 'r')
  try {
    while (wanted()) {
      const { bytesRead } = await file.read(target, 0, READ_BYTES)
      if (bytesRead === 0) break
      hashes.update(target.subarray(0, bytesRead))
    }
  } finally {
    await file.close()
  }
  return hashes.finish()
}
