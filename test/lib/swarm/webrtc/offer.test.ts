/** A stranger's session description becomes ours, or nothing. */
import fc from 'fast-check'
import t from 'tap'
import { offerText, parseOffer } from '../../../../lib/swarm/webrtc/offer.ts'

const FINGERPRINT = Array(32).fill('ab').join(':')

/** As Chromium writes it. */
function offerWith(...candidates: readonly string[]): string {
  return [
    'v=0',
    'o=- 4611731400430051336 2 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    'a=group:BUNDLE 0',
    'a=extmap-allow-mixed',
    'a=msid-semantic: WMS',
    'm=application 57615 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 203.0.113.7',
    ...candidates.map((candidate) => `a=candidate:${candidate}`),
    'a=ice-ufrag:Yq+/',
    'a=ice-pwd:abcdefghijklmnopqrstuvwx',
    'a=ice-options:trickle',
    `a=fingerprint:sha-256 ${FINGERPRINT}`,
    'a=setup:actpass',
    'a=mid:0',
    'a=sctp-port:5000',
    'a=max-message-size:262144',
    ''
  ].join('\r\n')
}

const PUBLIC = '1 1 udp 2122260223 203.0.113.7 57615 typ host generation 0 network-id 1'

t.test('an offer of today is understood', async (t) => {
  const srflx = '2 1 UDP 1686052607 198.51.100.1 4001 typ srflx raddr 10.0.0.1 rport 57615'
  t.same(parseOffer(offerWith(PUBLIC, srflx), false), {
    ufrag: 'Yq+/',
    password: 'abcdefghijklmnopqrstuvwx',
    fingerprint: FINGERPRINT.toUpperCase(),
    setup: 'actpass',
    mid: '0',
    sctpPort: 5000,
    maxMessageBytes: 262_144,
    candidates: [
      { host: '203.0.113.7', port: 57_615, priority: 2_122_260_223, type: 'host' },
      { host: '198.51.100.1', port: 4001, priority: 1_686_052_607, type: 'srflx' }
    ]
  })
})

t.test('what we write of it says the same', async (t) => {
  const offer = parseOffer(offerWith(PUBLIC), false)
  t.ok(offer)
  t.same(offer && parseOffer(offerText(offer), false), offer)
})

t.test('an offer that says no sizes gets the standard ones', async (t) => {
  const sdp = offerWith().replace(/a=(sctp-port|max-message-size).*\r\n/g, '')
  t.match(parseOffer(sdp, false), { sctpPort: 5000, maxMessageBytes: 65_536 })
})

t.test('an offer without what a channel needs is none', async (t) => {
  const missing = [/a=ice-ufrag.*\r\n/, /a=ice-pwd.*\r\n/, /a=fingerprint.*\r\n/, /a=setup.*\r\n/]
  for (const line of [...missing, /a=mid.*\r\n/, /m=.*\r\n/]) {
    t.equal(parseOffer(offerWith().replace(line, ''), false), undefined, String(line))
  }
  t.equal(parseOffer(offerWith().replace('sha-256', 'sha-1'), false), undefined)
  t.equal(
    parseOffer(offerWith().replace('UDP/DTLS/SCTP webrtc-datachannel', 'x y'), false),
    undefined
  )
  t.equal(parseOffer(`${offerWith()}m=video 9 UDP/TLS/RTP/SAVPF 96\r\n`, false), undefined)
})

t.test('packets go only where a browser can be', async (t) => {
  const hosts =
    (...candidates: string[]) =>
    (near: boolean) =>
      parseOffer(offerWith(...candidates), near)?.candidates.map(({ host }) => host)
  const to = (host: string, port = 4000) => `1 1 udp 1 ${host} ${port} typ host`
  const wrong = [
    to('224.0.0.1'),
    to('255.255.255.255'),
    to('0.0.0.0'),
    to('ff02::1'),
    to('::'),
    to('203.0.113.7', 53),
    to('203.0.113.7', 65_536),
    to('6c1f6a0e-0f6e-4f0e-9d4f-0123456789ab.local'),
    to('example.com'),
    '1 1 tcp 1 203.0.113.7 4000 typ host tcptype active',
    '1 2 udp 1 203.0.113.7 4000 typ host',
    '1 1 udp 99999999999 203.0.113.7 4000 typ host',
    '1 1 udp 1 203.0.113.7'
  ]
  t.same(hosts(...wrong)(true), [])
  t.same(hosts(to('10.0.0.1'), to('::1'), to('203.0.113.7'))(false), ['203.0.113.7'])
  t.same(hosts(to('10.0.0.1'), to('::1'))(true), ['10.0.0.1', '::1'])
  t.equal(hosts(...Array<string>(500).fill(PUBLIC))(false)?.length, 12)
})

t.test('nothing of a text that is no offer gets through', async () => {
  fc.assert(fc.property(fc.string(), (text) => parseOffer(text, true) === undefined))
})

t.test('an offer with any line changed gives text of our own making', async (t) => {
  const lines = offerWith(PUBLIC).split('\r\n')
  const ours = new RegExp(`^(${offerLines().join('|')})$`)
  fc.assert(
    fc.property(fc.nat(lines.length - 1), fc.string(), (at, text) => {
      const offer = parseOffer(lines.with(at, text).join('\r\n'), true)
      if (offer === undefined) return true
      return offerText(offer)
        .split('\r\n')
        .every((line) => ours.test(line))
    })
  )
  t.pass('checked')
})

/** What a line of `offerText` may look like. */
function offerLines(): string[] {
  return [
    '',
    '[vost]=[-\\w .]+',
    'a=group:BUNDLE [\\w-]+',
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0\\.0\\.0\\.0',
    'a=(mid|ice-ufrag|ice-pwd|ice-options|setup|sctp-port|max-message-size):[\\w+/-]+',
    'a=fingerprint:sha-256 [0-9A-F:]{95}',
    'a=candidate:\\d+ 1 UDP \\d+ [\\da-fA-F.:]+ \\d+ typ \\w+( raddr 0\\.0\\.0\\.0 rport 0)?'
  ]
}
