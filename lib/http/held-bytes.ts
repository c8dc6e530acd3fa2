/**
 * The memory of answers that are made whole before they are sent: pages, documents, playlists.
 *
 * Such an answer stays in memory until its client has read it, so clients that read nothing could
 * fill it. All large ones together have a bound. When it is reached, those that were begun a while
 * ago are reset, the oldest first; without such the newcomer is refused with 429. One that is
 * larger than the bound is sent when no other is. Streams are not its business: they hold little.
 */
import type { ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { AppError } from '../../core/errors.ts'

export interface HeldBytesConfig {
  /** Of all large answers together. */
  readonly limitBytes: number
  /** How long an answer may take before it may be given up for another. */
  readonly patienceMs: number
}

export interface HeldBytes {
  /** Of the large answers that are under way. */
  readonly bytes: number
}

const DEFAULTS: HeldBytesConfig = { limitBytes: 128 * 2 ** 20, patienceMs: 10_000 }
/** A smaller answer costs no more than a connection does. */
const LARGE_BYTES = 128 * 1024
const RETRY_SECONDS = 5

interface Held {
  readonly bytes: number
  readonly since: number
}

/** Holds the answers of `app`'s routes to a bound. To be called before routes are declared. */
export function limitHeldBytes(
  app: FastifyInstance,
  { limitBytes, patienceMs }: HeldBytesConfig = DEFAULTS,
  now: () => number = () => performance.now()
): HeldBytes {
  /** Oldest first. */
  const answers = new Map<ServerResponse, Held>()
  let total = 0

  function hold(raw: ServerResponse, bytes: number): void {
    if (total > 0 && total + bytes > limitBytes && !makeRoom(limitBytes - bytes)) {
      const detail = 'Too many large answers are under way.'
      throw new AppError('TOO_MANY_RESPONSES', detail, { retryAfter: RETRY_SECONDS })
    }
    answers.set(raw, { bytes, since: now() })
    total += bytes
    raw.once('close', () => forget(raw))
    if (raw.destroyed) forget(raw)
  }

  function forget(raw: ServerResponse): void {
    total -= answers.get(raw)?.bytes ?? 0
    answers.delete(raw)
  }

  /** Resets what it must until no more than `rest` is held; false when it may not. */
  function makeRoom(rest: number): boolean {
    const latest = now() - patienceMs
    for (const [raw, { since }] of answers) {
      if (total === 0 || total <= rest || since > latest) break
      forget(raw)
      if (raw.socket === null) raw.destroy()
      else raw.socket.resetAndDestroy()
    }
    return total === 0 || total <= rest
  }

  app.addHook('onSend', ({ method }, { raw }, payload, done) => {
    const bytes = method === 'HEAD' ? 0 : bytesOf(payload)
    if (bytes < LARGE_BYTES) return done()
    try {
      hold(raw, bytes)
      done()
    } catch (err) {
      done(err as AppError)
    }
  })

  return {
    get bytes() {
      return total
    }
  }
}

function bytesOf(payload: unknown): number {
  if (typeof payload === 'string') return Buffer.byteLength(payload)
  return payload instanceof Uint8Array ? payload.byteLength : 0
}
