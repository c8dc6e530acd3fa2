import fc from 'fast-check'
import t from 'tap'
import { escapeHtml, html } from '../../../gateway/site/html.ts'

t.test('values are escaped, markup and lists of markup are not', async (t) => {
  const item = (text: string) => html`<li>${text}</li>`
  const list = html`<ul title="${`"'`}">${['<', '&'].map(item)}</ul>${3}${html``}`
  t.equal(list.markup, '<ul title="&quot;&#39;"><li>&lt;</li><li>&amp;</li></ul>3')
})

t.test('an object that merely looks like text cannot smuggle markup in as a string', async (t) => {
  t.equal(html`${'{"markup":"<b>"}'}`.markup, '{&quot;markup&quot;:&quot;&lt;b&gt;&quot;}')
})

t.test('escaped text has none of the characters that mean something in HTML', async (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const escaped = escapeHtml(text)
      t.notOk(/[<>"']/.test(escaped) || /&(?!amp;|lt;|gt;|quot;|#39;)/.test(escaped))
    }),
    { numRuns: 100 }
  )
})
