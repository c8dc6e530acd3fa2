import t from 'tap'
import { configMarkdown, configText } from '../../../lib/config/document.ts'
import { parseList, parsePort, parseSecret } from '../../../lib/config/parsers.ts'
import { optional, setting } from '../../../lib/config/setting.ts'

const groups = {
  Gateway: { port: setting('GATEWAY_PORT', '8080', parsePort, 'Port of `/`, a|b.') },
  Fleet: { secret: optional('CLUSTER_SECRET', parseSecret, 'Shared.', { secret: true }) }
}

t.test('config prints every setting with value, default and sentence', async (t) => {
  const text = configText(groups, { SWARMGATE_GATEWAY_PORT: '9000' })
  t.equal(
    text,
    'SWARMGATE_GATEWAY_PORT=9000\n  Port of /, a|b. Default: 8080.\n\n' +
      '# SWARMGATE_CLUSTER_SECRET is not set\n  Shared. Default: none.\n'
  )
  t.match(configText(groups, {}), /^SWARMGATE_GATEWAY_PORT=8080$/m)
})

t.test('secrets are masked', async (t) => {
  const text = configText(groups, { SWARMGATE_CLUSTER_SECRET: 'hush' })
  t.match(text, /^SWARMGATE_CLUSTER_SECRET=\*+$/m)
  t.notMatch(text, /hush/)
})

t.test('the page has one table per group', async (t) => {
  const page = configMarkdown(groups)
  t.match(page, /^# Configuration\n/)
  t.match(page, '## Gateway\n\n| setting | default | |\n|---|---|---|\n')
  t.match(page, '| `SWARMGATE_GATEWAY_PORT` | `8080` | Port of `/`, a\\|b. |\n')
  t.match(page, '| `SWARMGATE_CLUSTER_SECRET` | none | Shared. |\n')
})

t.test('a setting of two groups is shown once, an empty default as none', async (t) => {
  const ports = setting('PORTS', '', parseList(parsePort), 'Ports.')
  const page = configMarkdown({ One: { ports }, Two: { ports } })
  t.equal(page.match(/SWARMGATE_PORTS/g)?.length, 1)
  t.match(page, '| `SWARMGATE_PORTS` | none | Ports. |')
  t.equal(
    configText({ ports: { ports } }, {}),
    '# SWARMGATE_PORTS is not set\n  Ports. Default: none.\n'
  )
})
