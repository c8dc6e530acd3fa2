/**
 * In which order the trackers of one list are asked (BEP 12).
 *
 * A tier is shuffled once, whoever answers moves to its front, and a later tier is asked only when
 * nobody of an earlier one answered. What is learned about a tracker holds for every torrent: one
 * that gave no answer rests, for a time that doubles, so an outage costs a probe now and then and
 * not one per torrent.
 */

export interface Tracker {
  readonly url: string
  /** `host:port`: the doors of one tracker lead into the same swarm. */
  readonly site: string
  /** Answers missed in a row. */
  failures: number
  /** Milliseconds; not asked before, unless somebody waits for it. */
  restsUntil: number
}

export interface RestTiming {
  /** First and longest pause after a failure. */
  readonly firstRetryMs: number
  readonly lastRetryMs: number
}

export interface Tiers {
  /**
   * Whom to ask, in order; none while all rest.
   * @param despite those that rest are asked as well, last
   */
  candidates(now: number, despite: boolean): readonly Tracker[]
  /** Milliseconds: when the first of them may be asked. */
  readonly readyAt: number
  answered(tracker: Tracker): void
  failed(tracker: Tracker, now: number): void
}

/** @param random 0 up to but not including 1 */
export function createTiers(
  urls: readonly (readonly string[])[],
  timing: RestTiming,
  random: () => number = Math.random
): Tiers {
  const tiers = urls.map((tier) => shuffled(tier.map(trackerAt), random))

  return {
    candidates(now, despite) {
      const all = tiers.flat()
      const ready = all.filter(({ restsUntil }) => restsUntil <= now)
      return despite ? [...ready, ...all.filter(({ restsUntil }) => restsUntil > now)] : ready
    },
    get readyAt() {
      return Math.min(...tiers.flat().map(({ restsUntil }) => restsUntil))
    },
    answered(tracker) {
      tracker.failures = 0
      tracker.restsUntil = 0
      const tier = tiers.find((members) => members.includes(tracker))
      if (tier === undefined || tier[0] === tracker) return
      tier.splice(tier.indexOf(tracker), 1)
      tier.unshift(tracker)
    },
    failed(tracker, now) {
      if (now < tracker.restsUntil) return
      const pause = timing.firstRetryMs * 2 ** Math.min(tracker.failures++, 20)
      tracker.restsUntil = now + Math.min(timing.lastRetryMs, pause) * (1 + random() / 4)
    }
  }
}

/**
 * The lists in which flat URLs are announced: each tracker is told, and of several doors of one
 * (same host and port) the first that answers, in the order given.
 */
export function listsOf(urls: readonly string[]): string[][][] {
  const sites = new Map<string, string[][]>()
  for (const url of urls) {
    const site = siteOf(url)
    sites.set(site, [...(sites.get(site) ?? []), [url]])
  }
  return [...sites.values()]
}

function trackerAt(url: string): Tracker {
  return { url, site: siteOf(url), failures: 0, restsUntil: 0 }
}

function siteOf(url: string): string {
  const { protocol, hostname, port } = new URL(url)
  return `${hostname}:${port || (/^(https|wss):$/.test(protocol) ? 443 : 80)}`
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const order = [...items]
  for (let last = order.length - 1; last > 0; last--) {
    const at = Math.floor(random() * (last + 1))
    const item = order[last] as T
    order[last] = order[at] as T
    order[at] = item
  }
  return order
}
