/** Several ranges in one response: `multipart/byteranges` (RFC 9110 §14.6). */
import { randomBytes } from 'node:crypto'
import type { ByteSpan } from '../../core/geometry.ts'
import type { BodyPart, MadePart, Representation } from './representation.ts'

export interface Multipart {
  /** The Content-Type, with its boundary. */
  readonly type: string
  /** Bytes of the whole body, frames included. */
  readonly length: number
  readonly body: Iterable<BodyPart>
}

/** @param spans as the client asked for them, none empty; they keep their order. */
export function multipartOf(
  representation: Representation,
  size: number,
  spans: readonly ByteSpan[]
): Multipart {
  // Not to be guessed: content that held it could end a part.
  const boundary = randomBytes(18).toString('hex')
  const heads = spans.map((span) => head(boundary, representation.mediaType, span, size))
  const tail = made(`\r\n--${boundary}--\r\n`)
  const framing = [...heads, tail].reduce((sum, { bytes }) => sum + bytes.byteLength, 0)

  function* body(): Iterable<BodyPart> {
    for (const [index, span] of spans.entries()) {
      yield heads[index] as MadePart
      yield* representation.parts(span)
    }
    yield tail
  }

  return {
    type: `multipart/byteranges; boundary=${boundary}`,
    length: spans.reduce((sum, { start, end }) => sum + end - start, framing),
    body: body()
  }
}

function head(boundary: string, type: string, { start, end }: ByteSpan, size: number): MadePart {
  return made(
    `\r\n--${boundary}\r\ncontent-type: ${type}\r\n` +
      `content-range: bytes ${start}-${end - 1}/${size}\r\n\r\n`
  )
}

function made(text: string): MadePart {
  return { kind: 'bytes', bytes: Buffer.from(text, 'latin1') }
}
