import type { IncomingHttpHeaders } from 'node:http'
import t from 'tap'
import { type Binding, isLoopback, whyForeign } from '../../../gateway/publish/local-request.ts'

const BINDING: Binding = { address: '127.0.0.1', port: 8080, url: undefined }

interface Case {
  readonly headers?: IncomingHttpHeaders
  readonly sentHost?: string
  readonly httpVersion?: string
  readonly binding?: Partial<Binding>
}

function reason({ headers = {}, sentHost, httpVersion = '1.1', binding = {} }: Case) {
  const host = headers.host ?? 'localhost:8080'
  const request = {
    httpVersion,
    headers: { host, ...headers },
    rawHeaders: ['Accept', 'host', 'Host', sentHost ?? host]
  }
  return whyForeign(request, { ...BINDING, ...binding })
}

t.test('a program on this machine is local', async (t) => {
  const local: Case[] = [
    {},
    { headers: { host: '127.0.0.1:8080' } },
    { headers: { host: '[::1]:8080' }, binding: { address: '::1' } },
    { headers: { host: 'localhost' }, binding: { port: 80 } },
    { headers: { host: 'localhost:80' }, binding: { port: 80 } },
    { headers: { 'sec-fetch-site': 'none' } },
    { headers: { 'sec-fetch-site': 'same-origin', origin: 'http://localhost:8080' } },
    { headers: { host: '[::1]:8080', origin: 'http://[::1]:8080' } },
    { headers: { 'x-real-life': 'yes', forward: 'x', 'user-agent': 'curl' } },
    { binding: { url: 'http://localhost:8080' } },
    { binding: { url: 'http://127.0.0.5:9' } },
    { binding: { url: 'http://[::1]:8080' } },
    { binding: { address: '127.1.2.3' } }
  ]
  for (const item of local) t.equal(reason(item), undefined, JSON.stringify(item))
})

t.test('everybody else is foreign, and told why', async (t) => {
  const foreign: [Case, RegExp][] = [
    [{ binding: { address: '0.0.0.0' } }, /not bound to a loopback/],
    [{ binding: { address: '::' } }, /not bound to a loopback/],
    [{ binding: { address: '10.0.0.1' } }, /not bound to a loopback/],
    [{ binding: { url: 'https://files.example.org' } }, /GATEWAY_URL/],
    [{ binding: { url: 'http://localhost.example.org' } }, /GATEWAY_URL/],
    [{ httpVersion: '1.0' }, /HTTP\/1\.0/],
    [{ headers: { host: 'localhost' } }, /Host/],
    [{ headers: { host: 'localhost:80' } }, /Host/],
    [{ headers: { host: 'localhost:8081' } }, /Host/],
    [{ headers: { host: 'LOCALHOST:8080' } }, /Host/],
    [{ headers: { host: 'localhost.:8080' } }, /Host/],
    [{ headers: { host: '127.0.0.2:8080' } }, /Host/],
    [{ headers: { host: '2130706433:8080' } }, /Host/],
    [{ headers: { host: 'evil.example:8080' } }, /Host/],
    [{ headers: { host: '' } }, /Host/],
    [{ headers: { host: 'localhost:8080' }, sentHost: 'evil.example' }, /Host/],
    [{ headers: { host: 'evil.example' }, sentHost: 'localhost:8080' }, /Host/],
    [{ headers: { via: '1.1 proxy' } }, /proxy \(via\)/],
    [{ headers: { forwarded: 'for=1.2.3.4' } }, /proxy/],
    [{ headers: { 'x-forwarded-for': '127.0.0.1' } }, /proxy/],
    [{ headers: { 'x-forwarded-proto': 'http' } }, /proxy/],
    [{ headers: { 'x-forwarded-anything': '' } }, /proxy/],
    [{ headers: { 'x-real-ip': '127.0.0.1' } }, /proxy/],
    [{ headers: { 'sec-fetch-site': 'cross-site' } }, /Sec-Fetch-Site/],
    [{ headers: { 'sec-fetch-site': 'same-site' } }, /Sec-Fetch-Site/],
    [{ headers: { 'sec-fetch-site': '' } }, /Sec-Fetch-Site/],
    [{ headers: { origin: 'null' } }, /Origin/],
    [{ headers: { origin: '' } }, /Origin/],
    [{ headers: { origin: 'https://localhost:8080' } }, /Origin/],
    [{ headers: { origin: 'http://localhost' } }, /Origin/],
    [{ headers: { origin: 'http://localhost:3000' } }, /Origin/],
    [{ headers: { origin: 'http://127.0.0.1:8080' } }, /Origin/]
  ]
  for (const [item, why] of foreign) t.match(reason(item) ?? 'local', why, JSON.stringify(item))
})

t.test('loopback is a matter of the address, not of how it begins', async (t) => {
  for (const host of ['localhost', '127.0.0.1', '127.9.9.9', '::1', '[::1]', 'LocalHost']) {
    t.ok(isLoopback(host), host)
  }
  for (const host of ['127.example.org', '10.0.0.1', '::', '::2', 'localhost.org', '0.0.0.0', '']) {
    t.notOk(isLoopback(host), host)
  }
})
