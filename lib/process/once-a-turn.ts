/**
 * Many calls in one turn of the event loop that need to happen once or twice: the first at once,
 * so that nobody waits, all others together at the turn's end.
 */
export function onceATurn(work: () => void): () => void {
  let resting = false
  let again = false

  function wake(): void {
    resting = false
    if (!again) return
    again = false
    call()
  }

  function call(): void {
    if (resting) {
      again = true
      return
    }
    resting = true
    setImmediate(wake)
    work()
  }

  return call
}
