/** What stands between a gateway and content it should not serve, opened and closed as one. */
import type { Node } from '../../lib/node/node.ts'
import type { Log } from '../../lib/process/service.ts'
import type { GatewayConfig } from '../config.ts'
import { type Denylist, EMPTY_DENYLIST, openDenylist } from './denylist.ts'
import { createOpenTorrents, type OpenTorrents } from './open-torrents.ts'

export interface ContentGuard {
  readonly denylist: Denylist
  /** In mode `open`. */
  readonly openTorrents: OpenTorrents | undefined
  close(): Promise<void>
}

export type ContentGuardConfig = Pick<
  GatewayConfig,
  'mode' | 'denylist' | 'maxOpenTorrents' | 'maxOpenBytes' | 'openIdleMs' | 'firstByteTimeoutMs'
>

/** Rejects when there is a denylist that cannot be read. */
export async function openContentGuard(
  config: ContentGuardConfig,
  { node, log }: { readonly node: Pick<Node, 'foreign' | 'restrict'>; readonly log: Log }
): Promise<ContentGuard> {
  const denylist =
    config.denylist === undefined ? EMPTY_DENYLIST : await openDenylist(config.denylist, { log })
  // What may not be served over HTTP is not given to peers from the cache either.
  const review = node.restrict((infoHash) => denylist.objection(infoHash))
  const stopListening = denylist.onChange(review)
  const openTorrents = config.mode === 'open' ? openAll() : undefined

  function openAll(): OpenTorrents {
    const limits = {
      maxTorrents: config.maxOpenTorrents,
      maxBytes: config.maxOpenBytes,
      idleMs: config.openIdleMs,
      learnMs: config.firstByteTimeoutMs
    }
    return createOpenTorrents(limits, { foreign: node.foreign, log })
  }

  return {
    denylist,
    openTorrents,
    async close() {
      stopListening()
      await openTorrents?.close()
      await denylist.close()
    }
  }
}
