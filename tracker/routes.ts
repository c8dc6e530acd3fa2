/**
 * The control interface over HTTP, below `/control/v1`, for nodes in other processes.
 *
 * One route per method of `Control`; every one needs the cluster secret. Without a secret nothing
 * is mounted, so that everything below `/control` is 404. Metainfo never changes and says so.
 */
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { AppError } from '../core/errors.ts'
import {
  ChangesQuery,
  CommitRequest,
  HoldingsRequest,
  InfoHashText,
  MAX_INFO_BYTES,
  NodeIdText,
  NodeRegistrationSchema,
  NodeReportRequest
} from '../lib/api/control.ts'
import type { Control, Position } from '../lib/control/control.ts'
import type { HttpApp } from '../lib/http/app.ts'
import { createSecretCheck } from './cluster-secret.ts'

/** A commit: metainfo in base64 and as many bytes again for the names of files. */
const COMMIT_BYTES = 3 * MAX_INFO_BYTES
/** A report of the largest number of infohashes. */
const HOLDINGS_BYTES = 48 * 2 ** 20
const IMMUTABLE = 'private, max-age=29030400, immutable'

export interface ControlRoutesConfig {
  readonly clusterSecret: string | undefined
}

/** Mounts the control interface, if there is a secret to guard it. */
export function mountControl(
  app: HttpApp,
  { clusterSecret }: ControlRoutesConfig,
  { control }: { readonly control: Control }
): void {
  if (clusterSecret === undefined) return
  const check = createSecretCheck(clusterSecret)
  app.register(
    async (scope: HttpApp) => {
      // Unlike fastify's own, it never coerces values of a body: null stays null.
      scope.setValidatorCompiler(TypeBoxValidatorCompiler)
      scope.addHook('onRequest', async ({ headers }) => check(headers.authorization))
      scope.addHook('onSend', async (_request, reply) => {
        if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
      })
      mountCatalogue(scope, control)
      mountFeed(scope, control)
      mountFleet(scope, control)
    },
    { prefix: '/control/v1' }
  )
}

const torrentParams = Type.Object({ infoHash: InfoHashText })
const nodeParams = Type.Object({ nodeId: NodeIdText })

function mountCatalogue(app: HttpApp, control: Control): void {
  const listQuery = Type.Object({
    limit: Type.Integer({ minimum: 1, maximum: 1000 }),
    cursor: Type.Optional(Type.String({ maxLength: 200 }))
  })
  app.get('/torrents', { schema: { querystring: listQuery } }, ({ query }) => control.list(query))

  app.get('/torrents/:infoHash', { schema: { params: torrentParams } }, async ({ params }) =>
    known(params.infoHash, await control.lookup(params.infoHash))
  )

  app.get(
    '/torrents/:infoHash/metainfo',
    { schema: { params: torrentParams } },
    async ({ params: { infoHash } }, reply) => {
      const info = known(infoHash, await control.metainfo(infoHash))
      reply.type('application/octet-stream').header('etag', `"${infoHash}"`)
      return reply.header('cache-control', IMMUTABLE).send(Buffer.from(info))
    }
  )

  app.put(
    '/torrents/:infoHash',
    { bodyLimit: COMMIT_BYTES, schema: { params: torrentParams, body: CommitRequest } },
    async ({ params, body: { draft, info, nodeId, keepTombstone } }, reply) => {
      if (draft.infoHash !== params.infoHash) {
        throw new AppError('REQUEST_INVALID', 'the draft is of another torrent than the URL')
      }
      const bytes = Buffer.from(info, 'base64')
      const outcome = await control.commit(draft, bytes, nodeId, { keepTombstone })
      return reply.code(outcome.status === 'created' ? 201 : 200).send(outcome)
    }
  )

  app.delete('/torrents/:infoHash', { schema: { params: torrentParams } }, async ({ params }) =>
    known(params.infoHash, await control.unpublish(params.infoHash))
  )
}

function mountFeed(app: HttpApp, control: Control): void {
  app.get('/changes', { schema: { querystring: ChangesQuery } }, async ({ query, signal }) => {
    const page = await control.changes(parsePosition(query.after), query.wait ?? 0, signal)
    if (page.kind === 'changes') return page
    throw new AppError('EPOCH_CHANGED', 'The feed does not reach back to there: take the snapshot.')
  })

  const snapshotQuery = Type.Object({ cursor: Type.Optional(Type.String({ maxLength: 200 })) })
  app.get('/snapshot', { schema: { querystring: snapshotQuery } }, ({ query }) =>
    control.snapshot(query.cursor)
  )
}

function mountFleet(app: HttpApp, control: Control): void {
  app.put(
    '/nodes/:nodeId',
    { schema: { params: nodeParams, body: NodeRegistrationSchema } },
    async ({ params, body }) => {
      if (body.id === params.nodeId) return control.register(body)
      throw new AppError('REQUEST_INVALID', 'the registration is of another node than the URL')
    }
  )

  app.post(
    '/nodes/:nodeId/heartbeat',
    { schema: { params: nodeParams, body: NodeReportRequest } },
    ({ params, body }) => control.heartbeat(params.nodeId, body)
  )

  app.post(
    '/nodes/:nodeId/holdings',
    { bodyLimit: HOLDINGS_BYTES, schema: { params: nodeParams, body: HoldingsRequest } },
    async ({ params, body }, reply) => {
      await control.report(params.nodeId, body)
      return reply.code(204).send()
    }
  )

  app.get('/nodes/:nodeId/assignments', { schema: { params: nodeParams } }, async ({ params }) => ({
    items: await control.assignments(params.nodeId)
  }))
}

function known<T>(infoHash: string, value: T | undefined): T {
  if (value !== undefined) return value
  throw new AppError('CONTENT_UNKNOWN', `${infoHash} is not in the catalogue`)
}

/** `EPOCH.REVISION`; the schema has checked the form. */
function parsePosition(after: string): Position {
  const dot = after.lastIndexOf('.')
  return { epoch: after.slice(0, dot), revision: Number(after.slice(dot + 1)) }
}
