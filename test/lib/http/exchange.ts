/** A client that sends exactly the bytes it is given: for requests that no HTTP client would make. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface Answer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
  /** Everything that came, informational answers included. */
  readonly raw: string
  /** How the connection ended: `end` for FIN, or the code of the error. */
  readonly ending: string
}

/** Sends `text` and takes what comes until the server closes. */
export async function exchange(port: number, text: string | Buffer): Promise<Answer> {
  const socket = connect(port, '127.0.0.1')
  socket.write(text)
  return answerOf(socket)
}

/** What comes on `socket` until the server closes. */
export async function answerOf(socket: Socket): Promise<Answer> {
  const chunks: Buffer[] = []
  let ending = 'end'
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('error', (err: NodeJS.ErrnoException) => {
    ending = err.code ?? err.message
  })
  await once(socket, 'close').catch(() => undefined)
  return { ...parseAnswer(Buffer.concat(chunks).toString('latin1')), ending }
}

/** The last answer in `raw`: the one after any `100 Continue`. */
export function parseAnswer(raw: string): Omit<Answer, 'ending'> {
  const final = raw.replace(/^(HTTP\/1\.1 1\d\d .*\r\n(.+\r\n)*\r\n)+/, '')
  const [head = '', body = ''] = final.split(/\r\n\r\n(.*)/s)
  const [statusLine = '', ...lines] = head.split('\r\n')
  const headers = lines.map((line): [string, string] => {
    const [name = '', value = ''] = line.split(/: ?(.*)/s)
    return [name.toLowerCase(), value]
  })
  return { status: Number(statusLine.split(' ')[1]), headers: new Map(headers), body, raw }
}

/** Resolves as soon as what came on `socket` so far satisfies `done`. */
export async function readUntil(socket: Socket, done: (raw: string) => boolean): Promise<string> {
  let raw = ''
  for await (const [chunk] of iterate(socket)) {
    raw += chunk.toString('latin1')
    if (done(raw)) return raw
  }
  return raw
}

async function* iterate(socket: Socket): AsyncGenerator<[Buffer]> {
  while (!socket.destroyed) {
    const event = await Promise.race([
      once(socket, 'data').then((args) => args as [Buffer]),
      once(socket, 'close').then(() => undefined)
    ])
    if (event === undefined) return
    yield event
  }
}
