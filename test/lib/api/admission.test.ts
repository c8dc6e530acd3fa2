import t from 'tap'
import { signAdmission, verifyAdmission } from '../../../lib/api/admission.ts'

const admission = {
  principal: 'key ☃ "1"',
  maxBytes: 2 ** 40,
  baseUrl: 'https://gateway.example/base',
  expiresAt: 2000
}

t.test('what was signed is read back, and fits into a header', async (t) => {
  const header = signAdmission('secret', admission)
  t.match(header, /^[\x21-\x7e]+$/)
  t.same(verifyAdmission('secret', header, 1999), admission)
})

t.test('its time runs out', async (t) => {
  t.equal(verifyAdmission('secret', signAdmission('secret', admission), 2000), undefined)
})

t.test('another secret, a changed byte, a missing or foreign header are nothing', async (t) => {
  const header = signAdmission('secret', admission)
  t.equal(verifyAdmission('other', header, 0), undefined)
  for (let at = 0; at < header.length; at++) {
    const flipped = header[at] === 'A' ? 'B' : 'A'
    const forged = header.slice(0, at) + flipped + header.slice(at + 1)
    const read = verifyAdmission('secret', forged, 0)
    // The last digit of a signature carries two bits that say nothing.
    if (at < header.length - 1) t.equal(read, undefined, `byte ${at}`)
  }
  for (const foreign of [undefined, '', '.', 'a.b', header.split('.')[0], `${header}x`]) {
    t.equal(verifyAdmission('secret', foreign, 0), undefined)
  }
  t.equal(verifyAdmission('secret', `${'A'.repeat(9000)}.${'A'.repeat(43)}`, 0), undefined)
})

t.test('a payload of another shape is refused even with a good signature', async (t) => {
  const wrong = { ...admission, maxBytes: Number.NaN }
  t.equal(verifyAdmission('secret', signAdmission('secret', wrong), 0), undefined)
})

t.test('without a secret nothing is signed and nothing believed', async (t) => {
  t.throws(() => signAdmission('', admission))
  t.equal(verifyAdmission('', signAdmission('secret', admission), 0), undefined)
})
