/** Which of our addresses strangers get to know. */
import t from 'tap'
import { answerText } from '../../../../lib/swarm/webrtc/answer.ts'

const SDP = [
  'v=0',
  'o=rtc 1 0 IN IP4 127.0.0.1',
  'm=application 4242 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 10.1.2.3',
  'a=mid:0',
  'a=candidate:1 1 UDP 2114977791 10.1.2.3 4242 typ host',
  'a=candidate:2 1 UDP 2114977790 8.8.4.4 4242 typ host',
  'a=candidate:3 1 UDP 2114977789 fd00::2 4242 typ host',
  'a=candidate:4 1 UDP 1678769919 9.9.9.9 4001 typ srflx raddr 10.1.2.3 rport 4242',
  'a=candidate:5 1 UDP 16777215 7.7.7.7 4002 typ relay raddr 10.1.2.3 rport 4242',
  'a=end-of-candidates',
  ''
].join('\r\n')

const told = (named: readonly string[], near: boolean) =>
  [...answerText(SDP, { named, near }).matchAll(/a=candidate:(\d)/g)].map((match) => match[1])

t.test('a stranger far away learns public addresses only', async (t) => {
  t.same(told([], false), ['2', '4', '5'])
  t.notMatch(answerText(SDP, { named: [], near: false }), /10\.1\.2\.3|fd00/)
})

t.test('somebody in our own network learns all', async (t) => {
  t.same(told([], true), ['1', '2', '3', '4', '5'])
})

t.test('where the operator named addresses, no other is told to anybody', async (t) => {
  t.same(told(['8.8.4.4'], true), ['2', '4', '5'])
  t.same(told(['10.1.2.3'], false), ['1', '4', '5'])
  t.same(told(['1.1.1.1'], true), ['4', '5'])
})

t.test('the rest of the answer stays', async (t) => {
  const lines = answerText(SDP, { named: [], near: true }).split('\r\n')
  t.equal(lines[0], 'v=0')
  t.ok(lines.includes('m=application 9 UDP/DTLS/SCTP webrtc-datachannel'))
  t.ok(lines.includes('a=mid:0'))
  t.equal(lines.at(-1), '')
})
