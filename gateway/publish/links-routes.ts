/** `POST /v1/torrents/{infohash}/links`: a URL that opens content for a while (`signed-link.ts`). */
import { isIP } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { contentUrlPath } from '../../core/content-path.ts'
import { AppError } from '../../core/errors.ts'
import { parseInfoHash } from '../../core/info-hash.ts'
import { formatDuration, parseDuration } from '../../core/units.ts'
import type { BaseUrlOf } from '../../lib/api/base-url.ts'
import type { Entry } from '../../lib/control/control.ts'
import type { Replica } from '../../lib/control/replica.ts'
import { whenLeft } from '../../lib/http/when-left.ts'
import { signLink } from '../access/signed-link.ts'
import type { SigningKeys } from '../access/signing-keys.ts'
import { publishedEntry } from '../published-entry.ts'

const DEFAULT_MS = 24 * 3_600_000
const MAX_MS = 366 * 24 * 3_600_000

export interface LinksDeps {
  readonly replica: Pick<Replica, 'lookup'>
  readonly signingKeys: Pick<SigningKeys, 'first'>
  readonly baseUrlOf: BaseUrlOf
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/** `path` is one of `files[].path` or a folder of them; none or an empty one is the whole torrent. */
export const LinkRequestSchema = Type.Object(
  {
    path: Type.Optional(Type.String({ maxLength: 16_384 })),
    /** With a unit, such as `24h`; or a number of seconds. */
    expiresIn: Type.Optional(Type.Union([Type.Integer(), Type.String({ maxLength: 20 })])),
    /** The only client address that may use the link. */
    ip: Type.Optional(Type.String({ maxLength: 60 }))
  },
  { additionalProperties: false }
)

export const LinkSchema = Type.Object({
  url: Type.String(),
  expiresAt: Type.String({ format: 'date-time' })
})

interface LinkRoute {
  Params: { infoHash: string }
  Body: Static<typeof LinkRequestSchema>
}

export function linksRoutes(app: FastifyInstance, deps: LinksDeps): void {
  const { now = Date.now } = deps
  const schema = { body: LinkRequestSchema, response: { 201: LinkSchema } }

  app.post<LinkRoute>('/v1/torrents/:infoHash/links', { schema }, async (request, reply) => {
    const { path = '', expiresIn, ip } = request.body
    const infoHash = parseInfoHash(request.params.infoHash)
    if (infoHash === undefined) throw new AppError('INFOHASH_INVALID', 'That is no infohash.')
    const lifeMs = lifeOf(expiresIn)
    if (ip !== undefined && isIP(ip) === 0) throw refusal('/ip', 'is not an IP address')
    const entry = await publishedEntry(deps.replica, infoHash, whenLeft(reply))
    const target = targetIn(entry, path)
    const expiresAt = Math.ceil((now() + lifeMs) / 1000) * 1000
    const url = urlOf(request, entry, target, { expiresAt, address: ip })
    return reply.code(201).send({ url, expiresAt: new Date(expiresAt).toISOString() })
  })

  function urlOf(
    request: FastifyRequest,
    { infoHash, name }: Entry,
    { segments, path }: Target,
    limits: { readonly expiresAt: number; readonly address: string | undefined }
  ): string {
    const baseUrl = deps.baseUrlOf(request)
    const { host } = new URL(baseUrl)
    const key = deps.signingKeys.first()
    const token = signLink(key, { host, infoHash, segments, ...limits })
    return `${baseUrl}/s/${token}${contentUrlPath(infoHash, name, path)}`
  }
}

/** What is signed, and what the URL names below the torrent's name. */
interface Target {
  readonly segments: readonly string[]
  readonly path: string | undefined
}

function targetIn({ name, single, files }: Entry, asked: string): Target {
  const path = asked.replace(/\/$/, '')
  if (path === '') return { segments: [], path: single ? undefined : '' }
  if (files.some((file) => file.path === path)) {
    if (single) return { segments: [name], path: undefined }
    return { segments: [name, ...path.split('/')], path }
  }
  if (!files.some((file) => file.path.startsWith(`${path}/`))) {
    throw new AppError('FILE_UNKNOWN', `There is no file or folder ${path.slice(0, 200)} in it.`)
  }
  return { segments: [name, ...path.split('/')], path: `${path}/` }
}

function lifeOf(expiresIn: number | string | undefined): number {
  if (expiresIn === undefined) return DEFAULT_MS
  const ms = typeof expiresIn === 'number' ? expiresIn * 1000 : parseDuration(expiresIn)
  if (ms === undefined) throw refusal('/expiresIn', 'must be a duration like 30m, 24h or 7d')
  if (ms >= 1000 && ms <= MAX_MS) return ms
  throw refusal('/expiresIn', `must be from 1s to ${formatDuration(MAX_MS)}`)
}

function refusal(pointer: string, detail: string): AppError {
  const errors = [{ detail, pointer: `#${pointer}` }]
  return new AppError('REQUEST_INVALID', `${pointer.slice(1)} ${detail}.`, { errors })
}
