import { EventEmitter } from 'node:events'
import { createServer, Socket } from 'node:net'
import t from 'tap'
import { type ConnectionLimitConfig, limitConnections } from '../../../lib/http/connection-limit.ts'

/** A server that is told of connections by hand. */
function limited(over: Partial<ConnectionLimitConfig> = {}) {
  const server = createServer()
  let idleClosed = 0
  const isProxy = (address: string) => address === '10.0.0.1'
  limitConnections(server, { total: 10, perAddress: 2, isProxy, ...over }, () => void idleClosed++)
  return {
    idleClosed: () => idleClosed,
    /** A connection from an address; `destroyed` tells whether it was let in. */
    from(remoteAddress: string): Socket {
      const socket = new Socket()
      Object.defineProperty(socket, 'remoteAddress', { value: remoteAddress })
      server.emit('connection', socket)
      return socket
    }
  }
}

async function left(socket: Socket): Promise<void> {
  const closed = EventEmitter.once(socket, 'close')
  socket.destroy()
  await closed
}

t.test('an address has so many connections, and one more when one is closed', async (t) => {
  const { from } = limited()
  const first = from('2001:db8::1')
  from('2001:db8::2')
  t.ok(from('2001:db8::3').destroyed, 'the same /64')
  t.notOk(from('192.0.2.1').destroyed)
  await left(first)
  t.notOk(from('2001:db8::3').destroyed)
})

t.test('proxies and this machine are held to the total only', async (t) => {
  const { from, idleClosed } = limited()
  for (let i = 0; i < 5; i++) {
    t.notOk(from('10.0.0.1').destroyed)
    t.equal(idleClosed(), 0)
    t.notOk(from('127.0.0.1').destroyed)
  }
  t.equal(idleClosed(), 1, 'near the total, idle connections are closed')
  t.ok(from('127.0.0.1').destroyed)
})
