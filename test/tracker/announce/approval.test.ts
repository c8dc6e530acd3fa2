import t from 'tap'
import { createApproval } from '../../../tracker/announce/approval.ts'
import { hashOf } from './tracker-fixture.ts'

/** An approval whose questions are answered by hand. */
function asked() {
  const questions: { answer: (yes: boolean) => void; fail: () => void }[] = []
  const approve = () =>
    new Promise<boolean>((resolve, reject) => {
      questions.push({ answer: resolve, fail: () => reject(new Error('down')) })
    })
  const approval = createApproval({ approve }, { maxPending: 2 })
  async function settle(n: number, yes: boolean) {
    const verdict = approval.ask(hashOf(n))
    questions.at(-1)?.answer(yes)
    return verdict
  }
  return { approval, questions, settle }
}

t.test('one question per torrent is open at a time', async (t) => {
  const { approval, questions } = asked()
  const verdicts = [approval.ask(hashOf(1)), approval.ask(hashOf(1))]
  t.equal(questions.length, 1)
  questions[0]?.answer(true)
  t.same(await Promise.all(verdicts), ['approved', 'approved'])
})

t.test('no answer is remembered: publishing and unpublishing take effect at once', async (t) => {
  const { questions, settle } = asked()
  t.equal(await settle(1, false), 'refused')
  t.equal(await settle(1, true), 'approved')
  t.equal(await settle(1, false), 'refused')
  t.equal(questions.length, 3)
})

t.test(
  'beyond the bound of open questions the answer is busy, until one is answered',
  async (t) => {
    const { approval, questions, settle } = asked()
    const open = [approval.ask(hashOf(1)), approval.ask(hashOf(2))]
    t.equal(await approval.ask(hashOf(3)), 'busy')
    for (const question of questions) question.answer(true)
    t.same(await Promise.all(open), ['approved', 'approved'])
    t.equal(await settle(3, true), 'approved')
  }
)

t.test('a question that fails rejects, and is asked again next time', async (t) => {
  const { approval, questions, settle } = asked()
  const verdict = approval.ask(hashOf(1))
  questions[0]?.fail()
  await t.rejects(verdict, { message: 'down' })
  t.equal(await settle(1, true), 'approved')
})
