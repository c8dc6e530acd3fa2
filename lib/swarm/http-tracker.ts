/**
 * Exchanges with trackers over HTTP and HTTPS (BEP 3, 7, 23), on kept connections.
 *
 * Bounded: connections per tracker, time of an exchange, size of an answer. Ten thousand torrents
 * announce one after the other, so an exchange is one object and one timer: no stream, no signal.
 */
import { Agent, type Dispatcher } from 'undici'
import {
  type AnnounceAnswer,
  announceParams,
  parseAnnounceAnswer,
  type TrackerTransport
} from './announce-exchange.ts'

const MAX_ANSWER_BYTES = 256 * 1024
const ANSWER_MS = 10_000
const MINUTE = 60_000
const HEADERS = ['user-agent', 'Swarmgate', 'accept', '*/*']
/** Trackers whose URLs stay taken apart. */
const MAX_DOORS = 64

/** Where an announce URL leads to. */
interface Door {
  readonly origin: string
  /** Up to where the parameters of an announce go. */
  readonly path: string
}

export function createHttpTracker(): TrackerTransport {
  const agent = new Agent({
    connections: 4,
    keepAliveTimeout: 4 * MINUTE,
    keepAliveMaxTimeout: 10 * MINUTE,
    connect: { timeout: ANSWER_MS },
    headersTimeout: ANSWER_MS,
    bodyTimeout: ANSWER_MS
  })
  const doors = new Map<string, Door>()

  function doorAt(url: string): Door {
    const known = doors.get(url)
    if (known !== undefined) return known
    if (doors.size >= MAX_DOORS) doors.clear()
    const door = doorOf(url)
    doors.set(url, door)
    return door
  }

  return {
    exchange(url, query) {
      return new Promise((resolve, reject) => {
        const { origin, path } = doorAt(url)
        agent.dispatch(
          { origin, path: path + announceParams(query), method: 'GET', headers: HEADERS },
          new Exchange(resolve, reject)
        )
      })
    },
    hurry() {},
    close: () => agent.destroy()
  }
}

function doorOf(url: string): Door {
  const { origin, pathname, search } = new URL(url)
  return { origin, path: `${pathname}${search}${search === '' ? '?' : '&'}` }
}

/** One answer on its way. It ends once: with the answer, an error, or when its time is over. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #resolve: (answer: AnnounceAnswer) => void
  readonly #reject: (err: Error) => void
  readonly #timer = setTimeout(() => this.#fail('there was no answer in time'), 2 * ANSWER_MS)
  readonly #chunks: Buffer[] = []
  #size = 0
  #failure: Error | undefined
  #controller: Dispatcher.DispatchController | undefined

  constructor(resolve: (answer: AnnounceAnswer) => void, reject: (err: Error) => void) {
    this.#resolve = resolve
    this.#reject = reject
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#failure !== undefined) controller.abort(this.#failure)
  }

  /** The body tells: trackers refuse with any status. */
  onResponseStart(): void {}

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.byteLength
    if (this.#size > MAX_ANSWER_BYTES) this.#fail('the answer is too large')
    else this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    clearTimeout(this.#timer)
    const [first = Buffer.alloc(0)] = this.#chunks
    const body = this.#chunks.length > 1 ? Buffer.concat(this.#chunks) : first
    this.#resolve(parseAnnounceAnswer(body))
  }

  onResponseError(_controller: Dispatcher.DispatchController, err: Error): void {
    clearTimeout(this.#timer)
    this.#reject(err)
  }

  #fail(reason: string): void {
    if (this.#failure !== undefined) return
    clearTimeout(this.#timer)
    this.#failure = new Error(reason)
    this.#reject(this.#failure)
    this.#controller?.abort(this.#failure)
  }
}
