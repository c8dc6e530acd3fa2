/**
 * nginx in front of an installation, with a configuration of `deploy/` as it stands there but for
 * its addresses and paths.
 */
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { freePort, launchClient } from './clients.ts'
import { ROOT } from './process.ts'
import { eventually } from './publish.ts'

/**
 * Starts it and returns its base URL once it answers; teardown ends it.
 * @param folder new, for what it writes
 * @param replace what stands in the configuration, and what is to stand there
 */
export async function nginxFront(
  t: Test,
  folder: string,
  file: string,
  replace: Readonly<Record<string, string>>
): Promise<string> {
  const port = await freePort()
  let server = await readFile(join(ROOT, 'deploy', file), 'utf8')
  for (const [from, to] of Object.entries({ ...replace, 'listen 80;': `listen ${port};` })) {
    if (!server.includes(from)) throw new Error(`${file} has no ${from}`)
    server = server.replaceAll(from, to)
  }
  await mkdir(folder)
  const config = join(folder, 'nginx.conf')
  await writeFile(config, mainConfig(folder, server))
  const nginx = launchClient(t, 'nginx', ['-c', config, '-p', folder])
  const died = once(nginx, 'exit').then(([code]) => {
    throw new Error(`nginx exited with ${code}`)
  })
  died.catch(() => {})
  const url = `http://127.0.0.1:${port}`
  await Promise.race([died, eventually(() => fetch(url).catch(() => undefined))])
  return url
}

function mainConfig(folder: string, server: string): string {
  // Started by root, its workers would be somebody who may not read the test's folder.
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  return `daemon off; master_process off; worker_processes 1;
pid ${folder}/pid; error_log ${folder}/error.log; ${user}
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
${server}}
`
}
