/**
 * The content side of a gateway, put together: files, folders, archives, documents and sites.
 *
 * To be called on a new app before hooks and routes of others: a request to the host of a site, or
 * to a host that is not ours, must reach none of them.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { BaseUrlOf } from '../lib/api/base-url.ts'
import type { Replica } from '../lib/control/replica.ts'
import { limitHeldBytes } from '../lib/http/held-bytes.ts'
import { createResponseLimit } from '../lib/http/response-limit.ts'
import type { Node } from '../lib/node/node.ts'
import type { Log } from '../lib/process/service.ts'
import { createContentAccess } from './access/content-access.ts'
import type { Denylist } from './access/denylist.ts'
import { createLinkGate } from './access/link-gate.ts'
import type { OpenTorrents } from './access/open-torrents.ts'
import type { SigningKeys } from './access/signing-keys.ts'
import type { GatewayConfig } from './config.ts'
import { createArchives } from './content/archive/archives.ts'
import { createContentSender } from './content/content-sender.ts'
import { createDocuments } from './content/documents/documents.ts'
import { type ContentMetrics, createFileServer, type FileServer } from './content/file-server.ts'
import { createPathLookup } from './content/folder.ts'
import { openInTime } from './content/open-in-time.ts'
import { readFile } from './content/read-file.ts'
import { contentRoutes, PREFLIGHT } from './content/routes.ts'
import { createHosts } from './origin/host-check.ts'
import { guardOrigins } from './origin/origin-guard.ts'
import { createSiteHandler } from './origin/site-handler.ts'
import { createSites } from './origin/sites.ts'
import { createListingSender } from './site/listing-sender.ts'

export interface ContentsConfig
  extends Pick<
    GatewayConfig,
    'url' | 'mode' | 'firstByteTimeoutMs' | 'maxResponses' | 'maxResponsesPerAddress'
  > {
  readonly accel?: GatewayConfig['accel']
  /** How long a client may take to accept one buffer of a response. */
  readonly writeTimeoutMs: number
  /** Memory that all running responses may hold together. */
  readonly bufferBytes: number
}

export interface ContentsDeps {
  readonly node: Pick<Node, 'holds' | 'open'>
  readonly replica: Pick<Replica, 'entry' | 'lookup'>
  readonly denylist: Denylist
  /** In mode `open`. */
  readonly openTorrents: OpenTorrents | undefined
  /** Whether it is certainly a program on this machine that asks. */
  readonly isNear: (request: FastifyRequest) => boolean
  readonly signingKeys: Pick<SigningKeys, 'all'>
  readonly baseUrlOf: BaseUrlOf
  readonly announceUrls: readonly string[]
  readonly metrics: ContentMetrics
  readonly log: Log
}

/** Adds hooks and routes; the result tells what running responses hold. */
export function mountContents(
  app: FastifyInstance,
  config: ContentsConfig,
  deps: ContentsDeps
): Pick<FileServer, 'bufferedBytes'> {
  const { node, replica, openTorrents, baseUrlOf, announceUrls } = deps
  const { firstByteTimeoutMs: timeoutMs } = config
  const limit = createResponseLimit({
    total: config.maxResponses,
    perAddress: config.maxResponsesPerAddress
  })
  limitHeldBytes(app)
  const hosts = createHosts({ url: config.url })
  const gate = createLinkGate({ mode: config.mode, signingKeys: deps.signingKeys })
  const access = createContentAccess({ replica, denylist: deps.denylist, openTorrents })
  const files = createFileServer(config, deps)
  const resolvePath = createPathLookup()
  const { siteUrl } = hosts
  const sendListing = createListingSender({ baseUrlOf, announceUrls, resolvePath, siteUrl })
  const sites = createSites({
    resolve: resolvePath,
    readFile: (entry, file, signal) => readFile(node, entry, file, { timeoutMs, signal })
  })
  const shared = { limit, gate, access, files, sendListing, baseUrlOf }

  guardOrigins(app, {
    hosts,
    serveSite: createSiteHandler({ ...shared, sites, hosts }),
    preflight: PREFLIGHT
  })
  contentRoutes(app, {
    ...shared,
    isKnown: (infoHash) =>
      replica.entry(infoHash) !== undefined || openTorrents?.has(infoHash) === true,
    open: openTorrents !== undefined,
    isNear: deps.isNear,
    documents: createDocuments({
      async infoOf(infoHash, signal) {
        const session = await openInTime(node, infoHash, timeoutMs, signal)
        return session.store.metainfo.info
      },
      announceUrls
    }),
    sendContent: createContentSender({
      ...{ files, resolvePath, sendListing },
      archiveOf: createArchives()
    })
  })
  return files
}
