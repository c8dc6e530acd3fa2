/**
 * The torrent object of `/v1`: its schema, and how it is made from a catalogue entry.
 *
 * Whoever answers with a torrent (the gateway's status, the seeder's 201) makes it here, so that
 * they cannot differ. What no part of the program knows yet is null or empty, as the schema says.
 */
import { type Static, type TSchema, Type } from 'typebox'
import { contentUrlPath } from '../../core/content-path.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import { buildMagnet } from '../../core/magnet.ts'
import type { Entry, NodeState } from '../control/control.ts'
import type { TorrentStats } from '../swarm/contract.ts'

const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const Bytes = Type.Integer({ minimum: 0 })
const Time = Type.String({ format: 'date-time' })

export const TorrentSchema = Type.Object({
  infoHash: Type.String({ pattern: '^[0-9a-f]{40}$' }),
  name: Type.String(),
  title: Nullable(Type.String()),
  status: Type.Union([
    Type.Literal('queued'),
    Type.Literal('fetching'),
    Type.Literal('verifying'),
    Type.Literal('seeding'),
    Type.Literal('failed'),
    Type.Literal('expired')
  ]),
  size: Bytes,
  bytesDone: Bytes,
  files: Type.Array(
    Type.Object({ path: Type.String(), size: Bytes, sha256: Nullable(Type.String()) })
  ),
  replicas: Type.Object({
    wanted: Type.Integer({ minimum: 1 }),
    ready: Type.Integer({ minimum: 0 }),
    nodes: Type.Array(
      Type.Object({
        id: Type.String(),
        /** `offline`: the node holds it and its lease ran out. */
        status: Type.Union([Type.Literal('seeding'), Type.Literal('offline')]),
        bytesDone: Bytes,
        updatedAt: Nullable(Time)
      })
    )
  }),
  swarm: Type.Object({
    peers: Type.Integer({ minimum: 0 }),
    seeds: Type.Integer({ minimum: 0 })
  }),
  links: Type.Object({
    gateway: Type.String(),
    torrent: Type.String(),
    magnet: Type.String(),
    self: Type.String()
  }),
  tags: Type.Record(Type.String(), Type.String()),
  createdAt: Time,
  expiresAt: Nullable(Time),
  problem: Nullable(Type.Object({ code: Type.String(), detail: Type.String() }))
})

export type Torrent = Static<typeof TorrentSchema>

/** The query of `GET /v1/torrents`; a filter that does not exist is refused, not ignored. */
export const TorrentQuerySchema = Type.Object(
  {
    limit: Type.Integer({ minimum: 1, maximum: 500, default: 50 }),
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 512 }))
  },
  { additionalProperties: false }
)

export const TorrentPageSchema = Type.Object({
  items: Type.Array(TorrentSchema),
  nextCursor: Nullable(Type.String())
})

/** What a torrent object says beyond the catalogue entry. */
export interface TorrentView {
  /** Base of the links, without a trailing slash. */
  readonly baseUrl: string
  /** What goes into the magnet. */
  readonly announceUrls: readonly string[]
  /** Nodes that hold the torrent in full, live or not. */
  readonly holders: readonly Pick<NodeState, 'id' | 'live'>[]
  /** Live seeders of the fleet: no more copies than this can be wanted. */
  readonly liveSeeders: number
  /** What this process's swarm sees of the torrent. */
  readonly stats?: TorrentStats | undefined
}

/** The torrent object of a published entry. */
export function toTorrentObject(entry: Entry, view: TorrentView): Torrent {
  const ready = view.holders.filter((node) => node.live).length
  return {
    infoHash: entry.infoHash,
    name: entry.name,
    title: null,
    status: 'seeding',
    size: entry.size,
    bytesDone: entry.size,
    files: entry.files.map(({ path, size, sha256 }) => ({ path, size, sha256 })),
    replicas: {
      wanted: Math.max(1, Math.min(entry.replicas, view.liveSeeders)),
      ready,
      nodes: view.holders.map(({ id, live }) => ({
        id,
        status: live ? 'seeding' : 'offline',
        bytesDone: entry.size,
        updatedAt: null
      }))
    },
    swarm: { peers: view.stats?.peers ?? 0, seeds: Math.max(view.stats?.seeds ?? 0, ready) },
    links: torrentLinks(entry, view.baseUrl, view.announceUrls),
    tags: {},
    createdAt: new Date(entry.createdAt).toISOString(),
    expiresAt: null,
    problem: null
  }
}

/** Where a torrent can be had. */
export function torrentLinks(
  entry: Pick<Entry, 'infoHash' | 'name' | 'size' | 'single'>,
  baseUrl: string,
  announceUrls: readonly string[]
): Torrent['links'] {
  return {
    gateway: gatewayUrl(entry, baseUrl),
    torrent: `${baseUrl}/${entry.infoHash}.torrent`,
    magnet: buildMagnet({
      infoHash: entry.infoHash,
      name: entry.name,
      size: entry.size,
      announce: announceUrls,
      webSeeds: [webSeedUrl(entry, baseUrl)]
    }),
    self: baseUrl + torrentPath(entry.infoHash)
  }
}

/** The resource of a torrent below the base URL. */
export function torrentPath(infoHash: InfoHash): string {
  return `/v1/torrents/${infoHash}`
}

/** The file of a single-file torrent; of a folder, the folder's URL with its slash. */
function gatewayUrl(entry: Pick<Entry, 'infoHash' | 'name' | 'single'>, baseUrl: string): string {
  const url = baseUrl + contentUrlPath(entry.infoHash, entry.name)
  return entry.single ? url : `${url}/`
}

/** BEP 19: the file's URL, or the folder's above the torrent's name. */
export function webSeedUrl(
  entry: Pick<Entry, 'infoHash' | 'name' | 'single'>,
  baseUrl: string
): string {
  return entry.single ? gatewayUrl(entry, baseUrl) : `${baseUrl}/${entry.infoHash}/`
}
