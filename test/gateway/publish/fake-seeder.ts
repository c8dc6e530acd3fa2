/** A seeder's ingest that does what a test says: accept, refuse, die, say nothing. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export type Behaviour = (request: IncomingMessage, response: ServerResponse) => void

export interface FakeSeeder {
  readonly url: string
  /** The requests that came, whatever became of them. */
  readonly requests: readonly IncomingMessage[]
}

export async function openFakeSeeder(
  t: Pick<Test, 'teardown'>,
  behaviour: Behaviour
): Promise<FakeSeeder> {
  const requests: IncomingMessage[] = []
  const server = createServer()
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    requests.push(request)
    behaviour(request, response)
  }
  server.on('request', onRequest).on('checkContinue', onRequest)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

/** Takes the whole body, and answers 201 with how many bytes it was. */
export const accepting: Behaviour = async (request, response) => {
  response.writeContinue()
  let size = 0
  for await (const chunk of request) size += chunk.length
  response.writeHead(201, { 'content-type': 'application/json', location: '/v1/torrents/x' })
  response.end(JSON.stringify({ size }))
}

/** Answers with a problem document, and closes only after the gateway: as a real one lingers. */
export function refusing(status: number, code: string, headers: Record<string, string> = {}) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const errors = [{ detail: 'why' }]
    const body = JSON.stringify({ status, code, detail: `refused: ${code}`, errors })
    const type = { 'content-type': 'application/problem+json', 'content-length': body.length }
    response.writeHead(status, { ...type, ...headers }).write(body)
    request.once('close', () => response.end())
  }
}

/** Takes the first bytes of the body and then does something else. */
export function afterFirstBytes(then: Behaviour): Behaviour {
  return (request, response) => {
    request.on('error', () => {})
    response.writeContinue()
    request.once('data', () => {
      request.pause()
      then(request, response)
    })
  }
}

export const dying: Behaviour = (request) => {
  request.socket.resetAndDestroy()
}
