/**
 * The HTTP server every role builds on: fastify with TypeBox, and the same manners everywhere.
 *
 * Guarantees: every error is a problem document (also the framework's and the parser's); no
 * request, however malformed, ends the process; a steady upload may take as long as it wants;
 * headers may not; `100 Continue` is never sent before a route says so.
 * Not its job: what the routes do, who may use them, idle bodies (the reader's own timer).
 */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, Server } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance, RawReplyDefaultExpression } from 'fastify'
import { type FastifyBaseLogger, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { AppError, ERRORS } from '../../core/errors.ts'
import type { Log } from '../process/service.ts'
import { type AllowedMethods, createAllowedMethods } from './allowed-methods.ts'
import { acceptParsedBody } from './body.ts'
import { answerClientError } from './client-error.ts'
import { addressMatcher } from './client-group.ts'
import { sendProblem, toAppError } from './problem.ts'
import { checkTarget, loggedTarget, toOriginForm, withRawBytes } from './request-target.ts'
import { createHttpServer, type HttpServerOptions, KEEP_ALIVE_MS } from './server.ts'

export type HttpApp = FastifyInstance<
  Server,
  IncomingMessage,
  RawReplyDefaultExpression<Server>,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

export interface HttpOptions extends Omit<HttpServerOptions, 'isProxy'> {
  readonly log: Log
  /** Addresses whose `X-Forwarded-*` is believed; none by default. */
  readonly trustedProxies?: readonly string[]
  /** Largest body that the framework itself parses, in bytes. */
  readonly bodyLimitBytes?: number
  /**
   * Whether the names in a path are opaque bytes. Such a path reaches its route also when it is
   * not UTF-8, with the other bytes raw (see `withRawBytes`); of any other path that is 400.
   */
  readonly isOpaque?: (target: string) => boolean
}

export function createHttpApp(options: HttpOptions): HttpApp {
  const { log, trustedProxies = [], bodyLimitBytes, isOpaque = () => false } = options
  const allowed = createAllowedMethods()
  let closeIdle = () => {}
  const app = fastify({
    serverFactory: (handler) => {
      const http = createHttpServer(handler, {
        ...options,
        isProxy: addressMatcher(trustedProxies)
      })
      closeIdle = http.closeIdle
      return http.server
    },
    clientErrorHandler: answerClientError,
    frameworkErrors: (err, _request, reply) => sendProblem(reply, err),
    genReqId: () => randomUUID(),
    rewriteUrl(request) {
      const target = toOriginForm(request)
      return isOpaque(target) ? withRawBytes(target) : target
    },
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: 0,
    // The answer while closing is a problem document too: see `refuseWhileClosing`.
    return503OnClosing: false,
    bodyLimit: bodyLimitBytes ?? 2 ** 20,
    routerOptions: { maxParamLength: 2048 },
    ajv: { customOptions: { removeAdditional: false } }
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.decorateRequest('bodyAccepted', false)
  app.addHook('onRoute', ({ url, method }) => allowed.note(url, method))
  app.addHook('onRequest', async ({ raw }) => checkTarget(raw))
  app.addHook('preParsing', (request, reply, payload, done) => {
    acceptParsedBody(request, reply)
    done(null, payload)
  })
  app.setErrorHandler((err, request, reply) => {
    logError(log, err, request, reply)
    return sendProblem(reply, err)
  })
  app.setNotFoundHandler((request, reply) => refuseUnrouted(allowed, request, reply))
  refuseWhileClosing(app, () => closeIdle())
  return app
}

function logError(log: Log, err: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const left = request.raw.aborted || (reply.raw.destroyed && !reply.raw.writableFinished)
  const { level } = ERRORS[toAppError(err).code]
  const { id: requestId, method } = request
  const facts = { err, requestId, method, url: loggedTarget(request.url) }
  if (left) log.debug(facts, 'client left')
  else log[level](facts, 'request failed')
}

function refuseUnrouted(allowed: AllowedMethods, request: FastifyRequest, reply: FastifyReply) {
  const path = request.url.split('?', 1)[0] as string
  const methods = allowed.of(path)
  if (methods.length === 0) {
    return sendProblem(reply, new AppError('ROUTE_UNKNOWN', 'There is nothing at this URL.'))
  }
  reply.header('allow', methods.join(', '))
  const detail = `${request.method} is not a method of this URL.`
  return sendProblem(reply, new AppError('METHOD_NOT_ALLOWED', detail))
}

/** From the call of `close` on: new requests get 503, finished connections are closed at once. */
function refuseWhileClosing(app: HttpApp, closeIdle: () => void): void {
  let closing = false
  app.addHook('preClose', async () => {
    closing = true
    closeIdle()
  })
  app.addHook('onRequest', async () => {
    if (closing) throw new AppError('SHUTTING_DOWN', 'The server is closing.', { retryAfter: 5 })
  })
  app.addHook('onResponse', async () => {
    if (closing) setImmediate(closeIdle)
  })
}

/**
 * Stops listening, lets running responses finish for at most `graceMs`, then closes what is left.
 * Resolves when no connection is open. May be called twice.
 */
export async function closeHttpApp(app: HttpApp, graceMs: number): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), graceMs)
  try {
    await app.close()
  } finally {
    clearTimeout(timer)
  }
}
