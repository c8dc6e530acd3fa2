/**
 * Asking the tracker about infohashes that are unknown here: once at a time for each, and not
 * again for a second after it said "unknown".
 *
 * Questions under way are bounded; more are refused, not queued, so that a crawler who invents
 * infohashes costs others nothing.
 */
import { AppError } from '../../core/errors.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import { abortable } from '../process/abortable.ts'
import type { Entry } from './control.ts'
import { createUnknownMemory } from './unknown-memory.ts'

/** How long the tracker's "unknown" is believed. */
const UNKNOWN_MS = 1000
const MAX_QUESTIONS = 1000

export interface LookupDeps {
  /** What is known here. */
  known(infoHash: InfoHash): Entry | undefined
  /** The tracker's word. */
  ask(infoHash: InfoHash): Promise<Entry | undefined>
  /** Takes in what the tracker said; `known` has it from then on, or something newer. */
  learn(entry: Entry): void
  /** Monotonic milliseconds. */
  now(): number
}

export interface Lookups {
  /** @throws AppError TRACKER_UNAVAILABLE when it is unknown here and there is no answer. */
  find(infoHash: InfoHash, signal: AbortSignal): Promise<Entry | undefined>
}

export function createLookups({ known, ask, learn, now }: LookupDeps): Lookups {
  const questions = new Map<InfoHash, Promise<Entry | undefined>>()
  const unknown = createUnknownMemory(UNKNOWN_MS, now)

  async function find(infoHash: InfoHash, signal: AbortSignal): Promise<Entry | undefined> {
    const entry = known(infoHash)
    if (entry !== undefined) return entry
    if (unknown.has(infoHash)) return undefined
    return abortable(questions.get(infoHash) ?? question(infoHash), signal)
  }

  function question(infoHash: InfoHash): Promise<Entry | undefined> {
    if (questions.size >= MAX_QUESTIONS) {
      const detail = 'too many questions to the tracker are under way'
      return Promise.reject(new AppError('TRACKER_UNAVAILABLE', detail, { retryAfter: 1 }))
    }
    const answer = answered(infoHash).finally(() => questions.delete(infoHash))
    questions.set(infoHash, answer)
    return answer
  }

  async function answered(infoHash: InfoHash): Promise<Entry | undefined> {
    const entry = await ask(infoHash)
    if (entry === undefined) unknown.add(infoHash)
    else learn(entry)
    return known(infoHash)
  }

  return { find }
}
