/** What one connection may send too much of. None of it is wrong by itself. */
import { encodeBencode } from '../../../core/bencode.ts'
import { FAST, ID, u32 } from './raw-peer.ts'
import { frame } from './storm-random.ts'

export interface Flood {
  readonly name: string
  /** Sent again and again after the handshake. */
  readonly bytes: Buffer
  readonly times: number
  /** False: the sender reads nothing that comes back. */
  readonly reads: boolean
}

const BLOCK = 16 * 1024
const EXTENDED = 20
const first = u32(0)

function extended(id: number, value: Parameters<typeof encodeBencode>[0]): Buffer {
  return frame(EXTENDED, Buffer.from([id]), encodeBencode(value))
}

/** Addresses in 127/8 and 10/8, which nobody dials on a stranger's word. */
function gossip(count: number): Buffer {
  return Buffer.concat(
    Array.from({ length: count }, (_, at) => Buffer.from([at % 2 ? 127 : 10, 9, at >> 8, at, 4, 0]))
  )
}

const GREEDY: readonly Omit<Flood, 'reads'>[] = [
  { name: 'keep-alives', bytes: u32(0), times: 200_000 },
  { name: 'HAVE of one piece', bytes: frame(ID.have, first), times: 100_000 },
  {
    name: 'interested and not interested',
    bytes: Buffer.concat([frame(ID.interested), frame(3)]),
    times: 50_000
  },
  {
    name: 'choke and unchoke',
    bytes: Buffer.concat([frame(ID.unchoke), frame(ID.choke)]),
    times: 50_000
  },
  {
    name: 'extension handshakes',
    bytes: extended(0, { m: { ut_metadata: 3, ut_pex: 1, lt_donthave: 7 }, reqq: 250 }),
    times: 5000
  },
  { name: 'requests for metadata', bytes: extended(1, { msg_type: 0, piece: 0 }), times: 5000 },
  { name: 'peers by PEX', bytes: extended(2, { added: gossip(100) }), times: 1000 },
  { name: 'requests', bytes: frame(ID.request, first, first, u32(BLOCK)), times: 20_000 },
  { name: 'cancels', bytes: frame(8, first, first, u32(BLOCK)), times: 50_000 },
  { name: 'rejects', bytes: frame(FAST.reject, first, first, u32(BLOCK)), times: 50_000 },
  { name: 'suggestions', bytes: frame(13, first), times: 50_000 },
  { name: 'allowed-fast pieces', bytes: frame(17, first), times: 50_000 },
  { name: 'ports', bytes: frame(9, Buffer.from([1, 2])), times: 50_000 },
  {
    name: 'blocks nobody asked for',
    bytes: frame(ID.piece, first, first, Buffer.alloc(BLOCK)),
    times: 1000
  },
  { name: 'messages of unknown kinds', bytes: frame(200, Buffer.alloc(1000)), times: 5000 }
]

export const FLOODS: readonly Flood[] = GREEDY.flatMap((flood) => [
  { ...flood, reads: true },
  { ...flood, reads: false, name: `${flood.name}, reading nothing` }
])
