/**
 * Everything that changes what this seeder holds *and* what the catalogue says of it.
 *
 * Of one torrent one thing happens at a time: an upload that brings unpublished content back and
 * the deletion of that content can never overlap, nor can two uploads of the same bytes.
 * Guarantees: what `publish` resolves with is durable here and in the catalogue; what the tracker
 * did not answer for stays in the library and is offered again; nothing is deleted but on the
 * catalogue's tombstone.
 */
import { AppError } from '../core/errors.ts'
import type { InfoHash } from '../core/info-hash.ts'
import { type Metainfo, parseInfo } from '../core/metainfo.ts'
import type { CommitOutcome, Control, Entry } from '../lib/control/control.ts'
import type { Replica } from '../lib/control/replica.ts'
import type { Node } from '../lib/node/node.ts'
import type { Log, Service } from '../lib/process/service.ts'
import { createKeyedSerial } from '../lib/store/keyed-serial.ts'
import type { Library } from '../lib/store/library.ts'
import type { Sidecar } from '../lib/store/metainfo-file.ts'
import { entryDraft } from './entry-draft.ts'

export interface PublisherDeps {
  readonly control: Pick<Control, 'commit'>
  readonly node: Pick<Node, 'id' | 'share' | 'drop'>
  readonly replica: Pick<Replica, 'entry' | 'apply'>
  readonly library: Pick<Library, 'has' | 'complete' | 'details'>
  /** Something was stored that the tracker did not answer for: worth offering it soon. */
  readonly onUnanswered: () => void
  readonly log: Log
}

export interface Publisher extends Service {
  /**
   * Lets `store` put a complete torrent into the library, then enters it in the catalogue.
   * @throws AppError TRACKER_UNAVAILABLE: stored, and offered again by `offer`.
   */
  publish(metainfo: Metainfo, sidecar: Sidecar, store: () => Promise<void>): Promise<CommitOutcome>
  /**
   * Offers a torrent of the library that the catalogue does not know. A tombstone stands, unless
   * the torrent is of an upload that got no answer. Undefined when it is not complete here.
   */
  offer(infoHash: InfoHash): Promise<Entry | undefined>
  /** Deletes the torrent if the catalogue has unpublished it and nobody brings it back. */
  retire(infoHash: InfoHash): Promise<void>
  /** Uploads of this life of the process that are stored and not in the catalogue yet. */
  readonly unanswered: ReadonlySet<InfoHash>
}

/** Beyond it the oldest is forgotten, and offered again as something found on the disk. */
const MAX_UNANSWERED = 10_000

export function createPublisher(deps: PublisherDeps): Publisher {
  const { control, node, replica, library, log } = deps
  const turns = createKeyedSerial<InfoHash>()
  const sharing = new Set<Promise<void>>()
  const unanswered = new Set<InfoHash>()

  function publish(
    metainfo: Metainfo,
    sidecar: Sidecar,
    store: () => Promise<void>
  ): Promise<CommitOutcome> {
    const { infoHash } = metainfo
    return turns.run(infoHash, async () => {
      await makeWay(infoHash)
      await store()
      if (!library.complete(infoHash)) {
        throw new AppError('STORE_FAILED', 'the upload was stored and is not there in full')
      }
      try {
        return await enter(metainfo, sidecar, false)
      } catch (err) {
        throw unansweredError(infoHash, err)
      }
    })
  }

  /** What is about to be deleted must not be taken for the upload. */
  async function makeWay(infoHash: InfoHash): Promise<void> {
    if (library.has(infoHash) && isDoomed(infoHash)) await node.drop(infoHash)
  }

  function isDoomed(infoHash: InfoHash): boolean {
    return replica.entry(infoHash)?.state === 'unpublished' && !unanswered.has(infoHash)
  }

  async function enter(
    metainfo: Metainfo,
    sidecar: Sidecar | null,
    keepTombstone: boolean
  ): Promise<CommitOutcome> {
    const draft = entryDraft(metainfo, sidecar)
    const outcome = await control.commit(draft, metainfo.info, node.id, { keepTombstone })
    unanswered.delete(metainfo.infoHash)
    replica.apply({ type: 'entry', entry: outcome.entry })
    if (outcome.entry.state === 'published') share(outcome.entry)
    return outcome
  }

  function unansweredError(infoHash: InfoHash, err: unknown): unknown {
    if (!(err instanceof AppError) || err.code !== 'TRACKER_UNAVAILABLE') return err
    const [oldest] = unanswered
    if (oldest !== undefined && unanswered.size >= MAX_UNANSWERED) unanswered.delete(oldest)
    unanswered.add(infoHash)
    deps.onUnanswered()
    const detail =
      'the upload is stored on this seeder but not published: the tracker does not answer. ' +
      'It is offered to the tracker again by itself; repeating the request does no harm'
    return new AppError('TRACKER_UNAVAILABLE', detail, { cause: err, retryAfter: 10 })
  }

  /** A torrent without bytes joins no swarm; the commit has already said who holds it. */
  function share({ infoHash, size }: Entry): void {
    if (size === 0) return
    const shared = node
      .share(infoHash)
      .catch((err) => log.warn({ err, infoHash }, 'a published torrent was not shared at once'))
      .finally(() => sharing.delete(shared))
    sharing.add(shared)
  }

  function offer(infoHash: InfoHash): Promise<Entry | undefined> {
    return turns.run(infoHash, async () => {
      const details = library.complete(infoHash) ? await library.details(infoHash) : undefined
      if (details === undefined) return undefined
      const keepTombstone = !unanswered.has(infoHash)
      const { entry } = await enter(parseInfo(details.info), details.sidecar, keepTombstone)
      return entry
    })
  }

  function retire(infoHash: InfoHash): Promise<void> {
    return turns.run(infoHash, async () => {
      if (library.has(infoHash) && isDoomed(infoHash)) await node.drop(infoHash)
    })
  }

  return {
    name: 'publisher',
    publish,
    offer,
    retire,
    unanswered,
    async close() {
      await turns.settled()
      await Promise.all(sharing)
    }
  }
}
