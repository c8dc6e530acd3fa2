/**
 * The bytes of a client's upload on their way to a seeder, no faster than the seeder takes them.
 *
 * It can be stopped at any byte, and the client's stream then stays alive: whoever refuses the
 * upload may still read from it. A client that stops sending is the seeder's to give up on.
 */
import type { Readable, Writable } from 'node:stream'
import { AppError } from '../../core/errors.ts'

export interface BodyTransfer {
  /** Resolves when the whole body is handed over; rejects when the client left or `to` stalls. */
  readonly done: Promise<void>
  /** A byte of the body, or its end, is on its way. */
  readonly begun: boolean
  stop(): void
}

/** @param stallMs how long `to` may take nothing while bytes wait. */
export function transferBody(from: Readable, to: Writable, stallMs: number): BodyTransfer {
  const { promise: done, resolve, reject } = Promise.withResolvers<void>()
  let begun = false
  let stalled: NodeJS.Timeout | undefined

  const onData = (chunk: Buffer) => {
    begun = true
    if (to.write(chunk)) return
    from.pause()
    stalled = setTimeout(() => fail('the seeder takes no more bytes'), stallMs)
  }
  const onDrain = () => {
    clearTimeout(stalled)
    from.resume()
  }
  const onEnd = () => {
    begun = true
    stop()
    to.end()
    resolve()
  }
  const onClose = () => fail('the client left')

  function fail(reason: string): void {
    stop()
    reject(new AppError('SEEDER_UNAVAILABLE', reason))
  }

  function stop(): void {
    clearTimeout(stalled)
    from.off('data', onData).off('end', onEnd).off('close', onClose).pause()
    to.off('drain', onDrain)
  }

  done.catch(() => {})
  to.on('drain', onDrain)
  from.on('end', onEnd).on('close', onClose).on('data', onData)
  return {
    done,
    get begun() {
      return begun
    },
    stop
  }
}
