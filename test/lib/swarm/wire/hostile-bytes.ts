/** A source of bytes that are almost right: the same for the same seed. */

export interface HostileBytes {
  /** A number below `end`. */
  below(end: number): number
  pick<T>(from: readonly [T, ...T[]]): T
  /** Random bytes, up to `maxLength`. */
  noise(maxLength: number): Buffer
  /** The bytes after 1 to 4 accidents: flipped, cut, repeated, overwritten, made longer. */
  mutated(bytes: Uint8Array): Buffer
}

export function hostileBytes(seed: number): HostileBytes {
  let state = seed >>> 0

  /** Mulberry32: small, fast, good enough to be unpredictable to a parser. */
  function below(end: number): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end)
  }

  function pick<T>(from: readonly [T, ...T[]]): T {
    return from[below(from.length)] ?? from[0]
  }

  function noise(maxLength: number): Buffer {
    const bytes = Buffer.alloc(below(maxLength + 1))
    for (let at = 0; at < bytes.length; at++) bytes[at] = below(256)
    return bytes
  }

  const accidents: readonly [(bytes: Buffer) => Buffer, ...((bytes: Buffer) => Buffer)[]] = [
    (bytes) => {
      const at = below(bytes.length)
      if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8))
      return bytes
    },
    (bytes) => {
      const at = below(bytes.length)
      if (at < bytes.length)
        bytes[at] = pick([0, 1, 0x2d, 0x30, 0x39, 0x65, 0x69, 0x7f, 0x80, 0xff])
      return bytes
    },
    (bytes) => bytes.subarray(0, below(bytes.length + 1)),
    (bytes) => bytes.subarray(below(bytes.length + 1)),
    (bytes) => Buffer.concat([bytes, noise(20)]),
    (bytes) => {
      const [from, at] = [below(bytes.length + 1), below(bytes.length + 1)]
      const part = bytes.subarray(from, from + below(50))
      return Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at)])
    }
  ]

  function mutated(bytes: Uint8Array): Buffer {
    let result: Buffer = Buffer.from(bytes)
    for (let turns = 1 + below(4); turns > 0; turns--) result = pick(accidents)(result)
    return result
  }

  return { below, pick, noise, mutated }
}
