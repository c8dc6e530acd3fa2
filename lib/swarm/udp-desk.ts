/**
 * Questions and answers over UDP: one socket per address family for the whole process.
 *
 * An answer counts only from the very address and port that was asked, with the transaction id of
 * the question, which is random. Sockets are opened when they are first needed; one that fails is
 * replaced at the next question. Bounded: so many questions at once.
 */
import { randomInt } from 'node:crypto'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { TRANSACTION_AT, transactionOf } from './udp-announce.ts'

const MAX_QUESTIONS = 1024

export interface Endpoint {
  readonly family: 4 | 6
  /** A literal as the system writes it. */
  readonly address: string
  readonly port: number
}

export interface UdpDesk {
  /**
   * Sends `message`, in which a transaction id is written, and waits for the answer.
   * Rejects after `timeoutMs`, when the system refuses to send, and with the signal's reason.
   */
  ask(to: Endpoint, message: Buffer, timeoutMs: number, signal: AbortSignal): Promise<Buffer>
  /** Questions without an answer yet. */
  readonly open: number
  close(): Promise<void>
}

interface Question {
  readonly to: Endpoint
  settle(answer: Buffer | Error): void
}

export function createUdpDesk(): UdpDesk {
  const questions = new Map<number, Question>()
  const sockets = new Map<4 | 6, Promise<Socket>>()
  let closed = false

  async function ask(
    to: Endpoint,
    message: Buffer,
    timeoutMs: number,
    signal: AbortSignal
  ): Promise<Buffer> {
    const socket = await socketOf(to.family)
    signal.throwIfAborted()
    if (closed || questions.size >= MAX_QUESTIONS) throw new Error('no more questions over UDP')
    return new Promise((resolve, reject) => {
      const transaction = freshTransaction()
      const onAbort = () => settle(new Error('given up', { cause: signal.reason }))
      const timer = setTimeout(() => settle(new Error('no answer in time')), timeoutMs)
      function settle(answer: Buffer | Error): void {
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
        questions.delete(transaction)
        if (answer instanceof Error) reject(answer)
        else resolve(answer)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      questions.set(transaction, { to, settle })
      message.writeUInt32BE(transaction, TRANSACTION_AT)
      try {
        socket.send(message, to.port, to.address, (err) => {
          if (err !== null) settle(err)
        })
      } catch (err) {
        settle(new Error('not sent', { cause: err }))
      }
    })
  }

  function freshTransaction(): number {
    for (;;) {
      const transaction = randomInt(2 ** 32)
      if (!questions.has(transaction)) return transaction
    }
  }

  function receive(answer: Buffer, from: RemoteInfo): void {
    const transaction = transactionOf(answer)
    const question = transaction === undefined ? undefined : questions.get(transaction)
    if (question === undefined) return
    const { address, port } = question.to
    if (from.port === port && from.address === address) question.settle(answer)
  }

  function socketOf(family: 4 | 6): Promise<Socket> {
    if (closed) return Promise.reject(new Error('closed'))
    const known = sockets.get(family)
    if (known !== undefined) return known
    const opened = bind(family)
    sockets.set(family, opened)
    const drop = () => sockets.get(family) === opened && sockets.delete(family)
    opened.then((socket) => {
      socket.on('message', receive)
      socket.on('error', () => {
        drop()
        socket.close()
      })
    }, drop)
    return opened
  }

  async function close(): Promise<void> {
    if (closed) return
    closed = true
    for (const { settle } of [...questions.values()]) settle(new Error('closed'))
    const ending = [...sockets.values()].map(async (opened) => {
      const socket = await opened
      const gone = once(socket, 'close')
      socket.close()
      await gone
    })
    await Promise.allSettled(ending)
  }

  return {
    ask,
    get open() {
      return questions.size
    },
    close
  }
}

async function bind(family: 4 | 6): Promise<Socket> {
  const socket =
    family === 4 ? createSocket('udp4') : createSocket({ type: 'udp6', ipv6Only: true })
  try {
    socket.bind(0)
    await once(socket, 'listening')
    return socket
  } catch (err) {
    socket.close()
    throw err
  }
}
