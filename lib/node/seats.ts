/**
 * The readers of one session: each has a seat, and with it a window of pieces it wants next.
 *
 * A window is pinned in the store while it is wanted. What a reader leaves behind half-fetched
 * lingers a moment, and what players of a file will ask for is wanted for later; nobody waits for
 * either, so both come behind all windows. What is all here is wanted of nobody.
 */
import { AppError } from '../../core/errors.ts'
import type { Geometry, PieceSpan } from '../../core/geometry.ts'
import type { PieceStore } from '../store/piece-store.ts'
import type { WantedWindow } from '../swarm/contract.ts'
import type { Lingering } from './lingering.ts'

/** One reader's place in a session. */
export interface Seat {
  /**
   * Replaces the window this reader wants, in the order of its pieces, once there is room for it.
   * Rejects with STORE_FULL when there is none, and with the signal's reason.
   */
  want(window: PieceSpan, signal: AbortSignal): Promise<void>
  /** Asks the swarm for the window anew: a piece of it turned out to be missing. */
  askAgain(): void
  /**
   * Wants pieces of a file that will be asked for next, as far as there is room, behind everything
   * that is waited for. Only the first call for a file does anything. Never rejects.
   */
  foresee(file: number, windows: readonly PieceSpan[], signal: AbortSignal): Promise<void>
  leave(): void
}

export interface SeatsDeps {
  readonly store: PieceStore
  /** Without it a window ends with its reader. */
  readonly lingering?: Lingering | undefined
  /** What is wanted has changed, perhaps. @param again what was told is to be told again */
  readonly changed: (again: boolean) => void
}

export interface Seats {
  sit(): Seat
  /** How many sit. */
  readonly count: number
  /** Windows with something missing, none twice: first what is waited for, as readers came. */
  windows(): WantedWindow[]
  /** Nothing is wanted any more; the readers are still to leave. */
  end(): void
}

/** Pieces that stay where they are until it is disposed of. */
interface Hold {
  readonly span: PieceSpan
  readonly pin: Disposable | undefined
}

const NOTHING: Hold = { span: { first: 0, end: 0 }, pin: undefined }

export function createSeats({ store, lingering, changed }: SeatsDeps): Seats {
  const { geometry } = store.metainfo
  /** What each reader waits for. */
  const held = new Map<Seat, Hold>()
  /** What nobody waits for. */
  const later = new Set<Hold>()
  const foreseen = new Set<number>()

  function isHere({ first, end }: PieceSpan): boolean {
    for (let index = first; index < end; index++) if (!store.has(index)) return false
    return true
  }

  function unpin({ pin }: Hold): void {
    pin?.[Symbol.dispose]()
  }

  function forget(hold: Hold): void {
    if (!later.delete(hold)) return
    unpin(hold)
    changed(false)
  }

  /** Pins; what lingers makes room, then the window that the reader is about to leave. */
  async function pinFor(seat: Seat, span: PieceSpan, signal: AbortSignal): Promise<Disposable> {
    for (;;) {
      try {
        return await store.pin(bytesOf(geometry, span), signal)
      } catch (err) {
        const full = err instanceof AppError && err.code === 'STORE_FULL'
        if (!full || !(lingering?.clear() === true || dropLast(seat))) throw err
      }
    }
  }

  /** Where the store is so small that a reader's last window is in its own way. */
  function dropLast(seat: Seat): boolean {
    const last = held.get(seat)
    if (last?.pin === undefined) return false
    held.set(seat, NOTHING)
    unpin(last)
    return true
  }

  function linger(hold: Hold): void {
    if (lingering === undefined || isHere(hold.span)) {
      unpin(hold)
      return
    }
    later.add(hold)
    lingering.keep((hold.span.end - hold.span.first) * geometry.pieceLength, () => forget(hold))
  }

  /** Pins what is missing of the windows, one after the other, until there is no room. */
  async function pinAhead(windows: readonly PieceSpan[], signal: AbortSignal): Promise<Hold[]> {
    const holds: Hold[] = []
    for (const span of windows) {
      if (isHere(span)) continue
      const pin = await store.pin(bytesOf(geometry, span), signal).catch(() => undefined)
      if (pin === undefined) break
      holds.push({ span, pin })
    }
    return holds
  }

  function sit(): Seat {
    const own: Hold[] = []
    const seat: Seat = {
      async want(span, signal) {
        const last = held.get(seat) ?? NOTHING
        if (last.span.first === span.first && last.span.end === span.end) return
        const pin = await pinFor(seat, span, signal)
        const before = held.get(seat)
        if (before === undefined) return pin[Symbol.dispose]()
        held.set(seat, { span, pin })
        unpin(before)
        changed(false)
      },
      askAgain: () => changed(true),
      async foresee(file, windows, signal) {
        if (foreseen.has(file)) return
        foreseen.add(file)
        const holds = await pinAhead(windows, signal)
        if (!held.has(seat)) {
          for (const hold of holds) unpin(hold)
          return
        }
        for (const hold of holds) later.add(hold)
        own.push(...holds)
        if (holds.length > 0) changed(false)
      },
      leave() {
        const last = held.get(seat)
        if (last === undefined) return
        held.delete(seat)
        for (const hold of own) if (later.delete(hold)) linger(hold)
        linger(last)
        if (last.span.end > last.span.first) changed(false)
      }
    }
    held.set(seat, NOTHING)
    return seat
  }

  function windows(): WantedWindow[] {
    const told = new Set<number>()
    const wanted: WantedWindow[] = []
    function add({ first, end }: PieceSpan, more?: { readonly later: true }): void {
      const key = first * (geometry.pieceCount + 1) + end
      if (told.has(key) || isHere({ first, end })) return
      told.add(key)
      wanted.push({ first, end, ...more })
    }
    for (const { span } of held.values()) add(span)
    for (const { span } of later) add(span, { later: true })
    return wanted
  }

  return {
    sit,
    get count() {
      return held.size
    },
    windows,
    end() {
      for (const hold of [...later]) forget(hold)
    }
  }
}

function bytesOf({ pieceLength, size }: Geometry, { first, end }: PieceSpan) {
  return { start: first * pieceLength, end: Math.min(end * pieceLength, size) }
}
