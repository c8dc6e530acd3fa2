/** A control interface behind a real HTTP server on a free port. */
import type { AddressInfo } from 'node:net'
import type { Control } from '../../lib/control/control.ts'
import { closeHttpApp, createHttpApp } from '../../lib/http/app.ts'
import { mountControl } from '../../tracker/routes.ts'
import { silentLog } from '../fakes/silent-log.ts'

export const SECRET = 'a-cluster-secret'

/** The base URL of the server; an empty secret stands for none. */
export async function serveControl(
  t: { teardown(close: () => unknown): void },
  control: Control,
  secret = SECRET
): Promise<string> {
  const app = createHttpApp({ log: silentLog })
  mountControl(app, { clusterSecret: secret === '' ? undefined : secret }, { control })
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => closeHttpApp(app, 0))
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
}
