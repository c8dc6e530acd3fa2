/** An upload by a client that sends its body at once, whatever the server says meanwhile. */
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'

export interface UploadAnswer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** Rejects when the connection fails before there is an answer. */
export function upload(
  url: string,
  body: Buffer,
  headers: Record<string, string> = {}
): Promise<UploadAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<UploadAnswer>()
  const length = { 'content-length': String(body.length) }
  const client = request(`${url}/v1/files/a%20b.bin?x=1`, {
    method: 'PUT',
    headers: headers['transfer-encoding'] === undefined ? { ...length, ...headers } : headers
  })
  client.on('error', reject)
  client.on('response', (response) => {
    const { statusCode = 0, headers } = response
    text(response).then((body) => resolve({ status: statusCode, headers, body }), reject)
  })
  client.end(body)
  return promise
}
