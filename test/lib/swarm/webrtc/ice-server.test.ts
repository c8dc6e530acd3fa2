import t from 'tap'
import { parseIceServer } from '../../../../lib/swarm/webrtc/ice-server.ts'

t.test('STUN and TURN servers are taken as they are written', async (t) => {
  for (const text of [
    'stun:stun.example.com',
    'stun:stun.example.com:3478',
    'stun:[2001:db8::1]:3478',
    'turn:user:password@turn.example.com:3478',
    'turns:user:password@turn.example.com:5349?transport=tcp'
  ]) {
    t.equal(parseIceServer(text), text)
  }
})

t.test('anything else is refused', async (t) => {
  for (const text of ['', 'stun.example.com', 'http://x', 'stun:a b', 'stun:x:0', 'stun:x:70000']) {
    t.throws(() => parseIceServer(text), /must be stun:/)
  }
})
