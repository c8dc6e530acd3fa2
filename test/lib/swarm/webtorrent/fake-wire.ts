/** As much of a wire as the upload queue sees. */
import Wire from 'bittorrent-protocol'

export interface FakeWire {
  readonly wire: Wire
  readonly sent: { readonly index: number; readonly offset: number; readonly length: number }[]
  readonly rejected: number[]
  dropped: boolean
  /** Bytes that the peer has not taken. */
  unsent: number
}

export function fakeWire({ fast = true, choking = false } = {}): FakeWire {
  const wire: Wire = Object.create(Wire.prototype, {
    amChoking: { value: choking },
    hasFast: { value: fast },
    peerRequests: { value: [] },
    _readableState: {
      value: {
        get buffered() {
          return peer.unsent
        }
      }
    },
    _buffer: { writable: true },
    _bufferSize: { writable: true },
    _parse: { value() {} },
    destroy: {
      value() {
        peer.dropped = true
      }
    },
    piece: {
      value(index: number, offset: number, bytes: Uint8Array) {
        peer.sent.push({ index, offset, length: bytes.length })
        peer.unsent += bytes.length
      }
    },
    reject: { value: (index: number) => void peer.rejected.push(index) }
  })
  const peer: FakeWire = { wire, sent: [], rejected: [], dropped: false, unsent: 0 }
  return peer
}
