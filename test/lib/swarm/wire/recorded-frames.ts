/** A frame handler that writes down what it was told, copies of everything. */
import type { FrameHandler } from '../../../../lib/swarm/wire/frame-handler.ts'
import { createFrameParser, type FrameLimits } from '../../../../lib/swarm/wire/frame-parser.ts'

export type Call = readonly (string | number)[]

export const LIMITS: Readonly<FrameLimits> = {
  maxBitfieldBytes: 1000,
  maxExtendedBytes: 100_000,
  maxBlockBytes: 128 * 1024
}

export interface RecordedFrames extends FrameHandler {
  readonly calls: Call[]
  /** Blocks of these pieces are of no use. */
  readonly skipped: Set<number>
}

export function recordedFrames(): RecordedFrames {
  const calls: Call[] = []
  const skipped = new Set<number>()
  let block = new Uint8Array()
  const tell =
    (name: string) =>
    (...numbers: number[]) =>
      void calls.push([name, ...numbers])
  return {
    calls,
    skipped,
    keepAlive: tell('keepAlive'),
    choke: tell('choke'),
    unchoke: tell('unchoke'),
    interested: tell('interested'),
    notInterested: tell('notInterested'),
    have: tell('have'),
    bitfield: (bytes) => void calls.push(['bitfield', hex(bytes)]),
    request: tell('request'),
    blockStart(index, begin, length) {
      calls.push(['blockStart', index, begin, length])
      if (skipped.has(index)) return undefined
      block = new Uint8Array(length)
      return block
    },
    blockEnd: (index, begin, length) =>
      void calls.push(['blockEnd', index, begin, length, hex(block)]),
    cancel: tell('cancel'),
    port: tell('port'),
    suggest: tell('suggest'),
    haveAll: tell('haveAll'),
    haveNone: tell('haveNone'),
    reject: tell('reject'),
    allowedFast: tell('allowedFast'),
    extended: (id, payload) => void calls.push(['extended', id, hex(payload)]),
    unknown: tell('unknown')
  }
}

/** What a parser makes of `chunks`, each in memory that is overwritten after its call. */
export function callsOf(chunks: Iterable<Uint8Array>, handler = recordedFrames()): Call[] {
  const parser = createFrameParser(handler, { ...LIMITS })
  for (const chunk of chunks) {
    const lent = new Uint8Array(chunk)
    parser.push(lent)
    lent.fill(0xee)
  }
  return handler.calls
}

/** One message as it stands on the wire. */
export function frame(id: number, ...body: readonly (Uint8Array | number)[]): Buffer {
  const bytes = Buffer.concat(body.map((part) => (typeof part === 'number' ? u32(part) : part)))
  return Buffer.concat([u32(1 + bytes.length), Buffer.from([id]), bytes])
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
