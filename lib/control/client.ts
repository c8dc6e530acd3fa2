/**
 * The control interface over HTTP + JSON, for a node whose tracker is another process.
 *
 * Passes the same contract suite as the tracker's own. Each call has a deadline; a call without an
 * answer throws `TRACKER_UNAVAILABLE` with its cause. Nothing is retried here: callers know what
 * may be repeated and when.
 */

import { AppError, type ErrorCode } from '../../core/errors.ts'
import {
  AssignmentsAnswer,
  ChangesAnswer,
  CommitAnswer,
  EntrySchema,
  LeaseAnswer,
  ListAnswer,
  SnapshotAnswer
} from '../api/control.ts'
import type { Service } from '../process/service.ts'
import type { Control } from './control.ts'
import { answer, createExchange, type Exchange } from './exchange.ts'

const TIMEOUT_MS = 10_000

export interface ControlClientConfig {
  /** Where the tracker is reached: scheme, host and port. */
  readonly url: string
  /** The cluster secret. */
  readonly secret: string
  /** How long one answer may take, beyond a long poll's own wait. */
  readonly timeoutMs?: number
}

const anEntry = answer(EntrySchema)
const aCommit = answer(CommitAnswer)
const aList = answer(ListAnswer)
const changes = answer(ChangesAnswer)
const aSnapshot = answer(SnapshotAnswer)
const aLease = answer(LeaseAnswer)
const assignments = answer(AssignmentsAnswer)

export function createControlClient(config: ControlClientConfig): Control & Service {
  const { url, secret, timeoutMs = TIMEOUT_MS } = config
  const exchange = createExchange({ url, secret, timeoutMs })
  return {
    name: 'control client',
    ...catalogueCalls(exchange),
    ...feedCalls(exchange),
    ...fleetCalls(exchange),
    close: exchange.close
  }
}

type CatalogueCalls = Pick<Control, 'commit' | 'lookup' | 'metainfo' | 'list' | 'unpublish'>

function catalogueCalls(exchange: Exchange): CatalogueCalls {
  const torrent = (infoHash: string) => `/torrents/${infoHash}`
  return {
    commit(draft, info, nodeId, { keepTombstone = false } = {}) {
      const encoded = Buffer.from(info.buffer, info.byteOffset, info.byteLength).toString('base64')
      const body = { draft, info: encoded, nodeId, keepTombstone }
      return exchange.json({ method: 'PUT', path: torrent(draft.infoHash), body }, aCommit)
    },
    lookup: (infoHash) =>
      unlessUnknown(exchange.json({ method: 'GET', path: torrent(infoHash) }, anEntry)),
    metainfo: (infoHash) =>
      unlessUnknown(exchange.bytes({ method: 'GET', path: `${torrent(infoHash)}/metainfo` })),
    list({ limit, cursor }) {
      const query = new URLSearchParams({ limit: String(limit) })
      if (cursor !== undefined) query.set('cursor', cursor)
      return exchange.json({ method: 'GET', path: `/torrents?${query}` }, aList)
    },
    unpublish: (infoHash) =>
      unlessUnknown(exchange.json({ method: 'DELETE', path: torrent(infoHash) }, anEntry))
  }
}

function feedCalls(exchange: Exchange): Pick<Control, 'changes' | 'snapshot'> {
  return {
    async changes(after, waitMs, signal) {
      const wait = Math.min(Math.max(0, Math.floor(waitMs)), 30_000)
      const path = `/changes?after=${after.epoch}.${after.revision}&wait=${wait}`
      const asked = exchange.json({ method: 'GET', path, waitMs: wait, signal }, changes)
      return (await unless('EPOCH_CHANGED', asked)) ?? { kind: 'reset' }
    },
    snapshot(cursor) {
      const query = cursor === undefined ? '' : `?${new URLSearchParams({ cursor })}`
      return exchange.json({ method: 'GET', path: `/snapshot${query}` }, aSnapshot)
    }
  }
}

type FleetCalls = Pick<Control, 'register' | 'heartbeat' | 'report' | 'assignments'>

function fleetCalls(exchange: Exchange): FleetCalls {
  const node = (nodeId: string, rest = '') => `/nodes/${encodeURIComponent(nodeId)}${rest}`
  return {
    register: (registration) =>
      exchange.json({ method: 'PUT', path: node(registration.id), body: registration }, aLease),
    heartbeat: (nodeId, body) =>
      exchange.json({ method: 'POST', path: node(nodeId, '/heartbeat'), body }, aLease),
    report: (nodeId, body) =>
      exchange.done({ method: 'POST', path: node(nodeId, '/holdings'), body }),
    async assignments(nodeId) {
      const path = node(nodeId, '/assignments')
      return (await exchange.json({ method: 'GET', path }, assignments)).items
    }
  }
}

const unlessUnknown = <T>(asked: Promise<T>) => unless('CONTENT_UNKNOWN', asked)

/** Undefined where the tracker's word is the error `code`. */
async function unless<T>(code: ErrorCode, asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (err) {
    if (err instanceof AppError && err.code === code) return undefined
    throw err
  }
}
