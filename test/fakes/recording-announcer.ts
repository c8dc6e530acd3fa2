/** An announcer that only writes down what it was told. */
import type { InfoHash } from '../../core/info-hash.ts'
import type { Announcer, AnnounceTotals } from '../../lib/swarm/announcer.ts'

export function recordingAnnouncer() {
  const announced = new Map<InfoHash, { left: () => number; totals?: () => AnnounceTotals }>()
  const completed: InfoHash[] = []
  const consulted: { infoHash: InfoHash; urls: readonly string[]; near: boolean }[] = []
  const forgotten: InfoHash[] = []
  return {
    name: 'announcer',
    announced,
    completed,
    forgotten,
    announce(infoHash: InfoHash, left: () => number, totals?: () => AnnounceTotals) {
      if (!announced.has(infoHash)) announced.set(infoHash, { left, ...(totals && { totals }) })
    },
    consulted,
    async consult(infoHash: InfoHash, urls: readonly string[], near: boolean) {
      consulted.push({ infoHash, urls, near })
    },
    complete: (infoHash: InfoHash) => void completed.push(infoHash),
    async forget(infoHash: InfoHash) {
      if (announced.delete(infoHash)) forgotten.push(infoHash)
    },
    close: async () => {}
  } satisfies Announcer & Record<string, unknown>
}
