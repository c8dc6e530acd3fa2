/** Bytes between a channel and the engine: in order, held back, and never too many. */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import {
  type Bridge,
  type BridgeChannel,
  bridgeChannel,
  MAX_WAITING_BYTES
} from '../../../../lib/swarm/webrtc/bridge.ts'

/** A channel that takes everything and sends nothing until told to. */
class FakeChannel implements BridgeChannel {
  readonly sent: Buffer[] = []
  buffered = 0
  isClosed = false
  #onMessage: (message: string | Buffer | ArrayBuffer) => void = () => {}
  #onLow = () => {}
  #onSent = () => {}

  sendMessageBinary(bytes: Uint8Array): boolean {
    if (this.isClosed) throw new Error('channel is closed')
    this.sent.push(Buffer.from(bytes))
    this.buffered += bytes.byteLength
    this.#onSent()
    return true
  }

  maxMessageSize = () => 1000
  bufferedAmount = () => this.buffered
  setBufferedAmountLowThreshold(): void {}

  onBufferedAmountLow(call: () => void): void {
    this.#onLow = call
  }

  onMessage(call: (message: string | Buffer | ArrayBuffer) => void): void {
    this.#onMessage = call
  }

  deliver(message: string | Buffer | ArrayBuffer): void {
    this.#onMessage(message)
  }

  /** The browser has read everything. */
  drain(): void {
    this.buffered = 0
    this.#onLow()
  }

  async untilSent(length: number): Promise<Buffer> {
    while (this.bytes().length < length) {
      await new Promise<void>((resolve) => {
        this.#onSent = resolve
      })
    }
    return this.bytes()
  }

  bytes(): Buffer {
    return Buffer.concat(this.sent)
  }
}

interface Joined {
  readonly channel: FakeChannel
  readonly bridge: Bridge
  readonly engine: Socket
  readonly ended: Promise<void>
}

async function join(t: Test, isCrowded = () => false): Promise<Joined> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const channel = new FakeChannel()
  const { promise: ended, resolve: onEnd } = Promise.withResolvers<void>()
  const bridge = bridgeChannel(channel, {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    preamble: Buffer.from('PRE'),
    isCrowded,
    onEnd
  })
  const [engine] = await once(server, 'connection')
  engine.on('error', () => {})
  t.teardown(() => {
    bridge.close()
    engine.destroy()
    server.close()
  })
  return { channel, bridge, engine, ended }
}

t.test('the preamble goes first, then what the browser says', async (t) => {
  const { channel, engine } = await join(t)
  channel.deliver(Buffer.from('one'))
  channel.deliver(new Uint8Array(Buffer.from('two')).buffer)
  let text = ''
  while (text.length < 9) {
    const [bytes] = await once(engine.resume(), 'data')
    text += bytes.toString()
  }
  t.equal(text, 'PREonetwo')
})

t.test('messages to the browser are no longer than it takes', async (t) => {
  const { channel, engine } = await join(t)
  engine.write(Buffer.alloc(2500, 7))
  t.ok((await channel.untilSent(2500)).equals(Buffer.alloc(2500, 7)))
  t.ok(channel.sent.every(({ length }) => length <= 1000))
})

t.test('a browser that does not read holds the engine back', async (t) => {
  const { channel, engine } = await join(t)
  const all = Buffer.alloc(32 * 1024 * 1024, 5)
  engine.write(all)
  const before = (await channel.untilSent(512 * 1024)).length
  // Two turns through another socket's data: had anything more been read, it would be here.
  await join(t)
  await join(t)
  t.equal(channel.bytes().length, before)
  t.ok(before < 1024 * 1024, 'no more than the bound and a chunk')

  let taken = 0
  while (taken < all.length) {
    taken += channel.bytes().length
    channel.sent.length = 0
    channel.drain()
    if (taken < all.length) await channel.untilSent(1)
  }
  t.equal(taken, all.length)
})

t.test('a browser that sends more than the engine reads is ended', async (t) => {
  const { channel, bridge, ended } = await join(t)
  const message = Buffer.alloc(256 * 1024)
  for (let sent = 0; sent < 64 * MAX_WAITING_BYTES; sent += message.length) channel.deliver(message)
  await ended
  t.ok(bridge.waitingBytes <= MAX_WAITING_BYTES + message.length)
})

t.test('so is one that does it with tiny messages', async (t) => {
  const { channel, bridge, ended } = await join(t)
  const big = Buffer.alloc(256 * 1024)
  while (bridge.waitingBytes === 0) channel.deliver(big)
  for (let sent = 0; sent < 10_000; sent += 1) channel.deliver(Buffer.from('x'))
  await ended
  t.ok(bridge.waitingBytes < MAX_WAITING_BYTES)
})

t.test('when all together wait for too much, whoever adds to it is ended', async (t) => {
  const { channel, bridge, ended } = await join(t, () => true)
  const big = Buffer.alloc(256 * 1024)
  for (let sent = 0; sent < 256; sent += 1) channel.deliver(big)
  await ended
  t.ok(bridge.waitingBytes < MAX_WAITING_BYTES / 2)
})

t.test('text is no wire', async (t) => {
  const { channel, ended } = await join(t)
  channel.deliver('hello')
  await ended
})

t.test('an engine that hangs up, or is not there, ends it', async (t) => {
  const { engine, ended } = await join(t)
  engine.destroy()
  await ended

  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  const { promise, resolve } = Promise.withResolvers<void>()
  bridgeChannel(new FakeChannel(), {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    preamble: Buffer.from('PRE'),
    isCrowded: () => false,
    onEnd: resolve
  })
  await promise
})

t.test('a channel that closed under a write ends it', async (t) => {
  const { channel, engine, ended } = await join(t)
  channel.isClosed = true
  engine.write('hello')
  await ended
})

t.test('closing calls nobody back', async (t) => {
  const { channel, bridge, engine, ended } = await join(t)
  let called = false
  void ended.then(() => {
    called = true
  })
  bridge.close()
  channel.deliver('text')
  await once(engine.resume(), 'close')
  t.notOk(called)
})
