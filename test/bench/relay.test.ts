import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { withOwner } from '../../bench/owner.ts'
import { startRelay } from '../../bench/relay.ts'

const ROUND_TRIP_MS = 8

/** A server behind a relay, ended with the test. */
async function behindRelay(
  t: Test,
  onConnection: (socket: Socket) => void,
  body: (client: Socket) => Promise<void>
): Promise<void> {
  const server = createServer({ allowHalfOpen: true }, onConnection).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  await withOwner(async (owner) => {
    const relay = await startRelay(owner, `127.0.0.1:${port}`, ROUND_TRIP_MS)
    const { hostname: host, port: relayPort } = new URL(`tcp://${relay.address}`)
    const client = connect({ host, port: Number(relayPort) })
    await once(client, 'connect')
    await body(client)
    t.equal(relay.connections, 1)
  })
}

t.test('a relay passes on every byte both ways, in order, and the end', async (t) => {
  const sent = randomBytes(2 ** 20 + 7)
  const echo = (socket: Socket) => void socket.pipe(socket)
  await behindRelay(t, echo, async (client) => {
    client.end(sent)
    t.ok((await buffer(client)).equals(sent))
  })
})

t.test('a client hears of a server that breaks the connection', async (t) => {
  const refuse = (socket: Socket) => void socket.resetAndDestroy()
  await behindRelay(t, refuse, async (client) => {
    client.on('error', () => {})
    client.write('anybody?')
    client.resume()
    await once(client, 'close')
    t.ok(client.destroyed)
  })
})
