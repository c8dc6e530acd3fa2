import { pino } from 'pino'
import t from 'tap'
import type { Service } from '../../../lib/process/service.ts'
import { createServices } from '../../../lib/process/services.ts'

const silent = pino({ level: 'silent' })

/** Services that note the order of their closing, and a log that keeps its lines. */
function notebook() {
  const closed: string[] = []
  const lines: { level: number; msg: string; service: string }[] = []
  const log = pino({ level: 'info' }, { write: (line) => lines.push(JSON.parse(line)) })
  const service = (name: string, close = async () => {}): Service => ({
    name,
    async close() {
      closed.push(name)
      await close()
    }
  })
  return { closed, lines, log, service }
}

t.test('services are closed one after the other, the last opened first', async (t) => {
  const { closed, service } = notebook()
  const services = createServices(silent)
  let open = 0
  for (const name of ['store', 'swarm', 'http']) {
    services.add(
      service(name, async () => {
        open++
        t.equal(open, 1, 'alone')
        await Promise.resolve()
        open--
      })
    )
  }
  await services.close()
  t.same(closed, ['http', 'swarm', 'store'])
})

t.test('add returns what it was given', async (t) => {
  const { service } = notebook()
  const store = service('store')
  t.equal(createServices(silent).add(store), store)
})

t.test('closing twice closes each once, and both wait', async (t) => {
  const { closed, service } = notebook()
  const services = createServices(silent)
  const gate = Promise.withResolvers<void>()
  services.add(service('store', () => gate.promise))
  const first = services.close()
  const second = services.close()
  gate.resolve()
  await Promise.all([first, second])
  await services.close()
  t.same(closed, ['store'])
})

t.test('a service that fails is logged and the others are closed', async (t) => {
  const { closed, lines, log, service } = notebook()
  const services = createServices(log)
  services.add(service('store'))
  services.add(service('swarm', () => Promise.reject(new Error('stuck'))))
  services.add({
    name: 'http',
    close() {
      throw new Error('at once')
    }
  })
  await services.close()
  t.same(closed, ['swarm', 'store'])
  t.match(lines, [
    { level: 50, service: 'http', msg: 'service failed to close', err: { message: 'at once' } },
    { level: 50, service: 'swarm', msg: 'service failed to close', err: { message: 'stuck' } }
  ])
})

t.test('a service that does not close is left behind after its deadline', async (t) => {
  const { closed, lines, log, service } = notebook()
  const services = createServices(log, { deadlineMs: 1 })
  services.add(service('store'))
  services.add(service('swarm', () => new Promise(() => {})))
  await services.close()
  t.same(closed, ['swarm', 'store'])
  t.match(lines, [{ level: 50, service: 'swarm', msg: 'service did not close in time' }])
})

t.test('what is opened while closing is closed too', async (t) => {
  const { closed, service } = notebook()
  const services = createServices(silent)
  services.add(
    service('http', async () => {
      services.add(service('late'))
    })
  )
  await services.close()
  services.add(service('later'))
  await services.close()
  t.same(closed, ['http', 'late', 'later'])
})
