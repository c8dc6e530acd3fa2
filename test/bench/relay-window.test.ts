import t from 'tap'
import { createRelayWindow } from '../../bench/relay-window.ts'

t.test('a window that is used up doubles with each round trip', async (t) => {
  const window = createRelayWindow(14)
  const flights: number[] = []
  for (let trip = 0; trip < 5; trip++) {
    const { room } = window
    flights.push(room)
    window.sent(room)
    t.equal(window.room, 0, 'nothing more before an acknowledgement')
    window.acknowledged(room)
  }
  t.same(flights, [14, 28, 56, 112, 224])
})

t.test('a window grows by what is acknowledged, not by what is possible', async (t) => {
  const window = createRelayWindow(14)
  window.sent(4)
  t.equal(window.room, 10)
  window.acknowledged(4)
  t.equal(window.room, 18)
})

t.test('a window ends at its limit', async (t) => {
  const window = createRelayWindow(14, 20)
  window.sent(14)
  window.acknowledged(14)
  t.equal(window.room, 20)
})
