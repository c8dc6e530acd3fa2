/**
 * What the HTTP parser refuses, before there is a request: answered on the bare socket.
 *
 * The same problem document as everywhere, `Connection: close`, and the connection ends. The
 * socket may be gone or have an answer under way already; then nothing is written to it.
 */
import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { AppError } from '../../core/errors.ts'
import { toProblem } from './problem.ts'

/** What Node hands to 'clientError'. */
export interface ParserError extends Error {
  readonly code?: string | undefined
  /** A Buffer: the bytes the parser was at. */
  readonly rawPacket?: unknown
}

/** Answers what could not be parsed, and closes the connection. */
export function answerClientError(err: ParserError, socket: Socket): void {
  if (err.code === 'ECONNRESET' || !socket.writable || hasAnswer(socket)) {
    socket.destroy()
    return
  }
  const { document, headers } = toProblem(refusalOf(err), randomUUID())
  const body = JSON.stringify(document)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `HTTP/1.1 ${document.status} ${document.title}\r\n${lines.join('')}`
  const rest = `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n`
  socket.end(head + rest + body, () => socket.destroySoon())
}

function hasAnswer(socket: Socket & { _httpMessage?: { headersSent: boolean } }): boolean {
  return socket._httpMessage?.headersSent === true
}

function refusalOf(err: ParserError): AppError {
  const extras = { cause: err }
  if (err.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new AppError('REQUEST_TIMEOUT', 'The request headers did not come in time.', extras)
  }
  if (err.code !== 'HPE_HEADER_OVERFLOW') {
    return new AppError('REQUEST_INVALID', 'This is not a well-formed HTTP request.', extras)
  }
  if (isInRequestLine(err.rawPacket)) {
    return new AppError('URI_TOO_LONG', 'The URL is longer than this server reads.', extras)
  }
  return new AppError('HEADERS_TOO_LARGE', 'The headers are larger than this server reads.', extras)
}

/** Whether the packet begins with a request line that has no end. */
function isInRequestLine(packet: unknown): boolean {
  const start = Buffer.isBuffer(packet) ? packet.toString('latin1', 0, 16 * 1024) : ''
  return /^[A-Z]+ \S*$/.test(start)
}
