/**
 * Asks whether a torrent may have a swarm, without letting a flood of announces become a flood of
 * questions: one question per torrent at a time, and a bounded number at once.
 *
 * Answers are not kept: what is published this moment must be announced this moment. Whoever
 * answers may remember what is cheap to keep current there.
 */
import type { InfoHash } from '../../core/info-hash.ts'

/** `busy`: too many questions are open already. */
export type Verdict = 'approved' | 'refused' | 'busy'

const MAX_PENDING = 1000

export interface Approval {
  /** Rejects when the question itself failed. */
  ask(infoHash: InfoHash): Promise<Verdict>
}

export function createApproval(
  { approve }: { approve(infoHash: InfoHash): Promise<boolean> },
  { maxPending }: { readonly maxPending: number } = { maxPending: MAX_PENDING }
): Approval {
  const pending = new Map<InfoHash, Promise<boolean>>()

  async function ask(infoHash: InfoHash): Promise<Verdict> {
    const open = pending.get(infoHash)
    if (open === undefined && pending.size >= maxPending) return 'busy'
    const approved = await (open ?? question(infoHash))
    return approved ? 'approved' : 'refused'
  }

  async function question(infoHash: InfoHash): Promise<boolean> {
    const answer = approve(infoHash)
    pending.set(infoHash, answer)
    try {
      return await answer
    } finally {
      pending.delete(infoHash)
    }
  }

  return { ask }
}
