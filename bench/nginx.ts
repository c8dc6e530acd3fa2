/** nginx serving a folder, as the static file server to be compared with. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { BenchOwner } from './owner.ts'

/** The version that is installed; undefined without nginx. */
export function nginxVersion(): string | undefined {
  const { stderr } = spawnSync('nginx', ['-v'], { encoding: 'utf8' })
  return /nginx\/(\S+)/.exec(stderr ?? '')?.[0]
}

export interface Nginx {
  /** Base URL. */
  readonly url: string
  /** Of the master process; its workers are its children. */
  readonly pid: number
}

/** Serves `folder`. */
export async function startNginx(owner: BenchOwner, folder: string): Promise<Nginx> {
  const port = await freePort()
  const own = await owner.folder()
  const config = join(own, 'nginx.conf')
  await writeFile(config, configOf(own, folder, port))
  execFileSync('chmod', ['-R', 'a+rX', own, folder])
  const child = spawn('nginx', ['-c', config, '-p', own], { stdio: 'inherit' })
  owner.teardown(async () => {
    child.kill('SIGQUIT')
    await once(child, 'exit')
  })
  const url = `http://127.0.0.1:${port}`
  for (let tries = 0; tries < 100; tries++) {
    if (
      await fetch(url).then(
        () => true,
        () => false
      )
    )
      return { url, pid: child.pid ?? 0 }
    await delay(20)
  }
  throw new Error('nginx did not start')
}

function configOf(own: string, folder: string, port: number): string {
  return `daemon off; worker_processes auto; pid ${own}/pid; error_log ${own}/error.log;
user root;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; keepalive_requests 100000000;
  client_body_temp_path ${own}/body; proxy_temp_path ${own}/proxy; fastcgi_temp_path ${own}/fastcgi;
  uwsgi_temp_path ${own}/uwsgi; scgi_temp_path ${own}/scgi;
  server { listen 127.0.0.1:${port}; root ${folder}; }
}
`
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
