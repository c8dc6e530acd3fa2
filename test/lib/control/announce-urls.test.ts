import t from 'tap'
import { announceUrlsOf } from '../../../lib/control/announce-urls.ts'

const cases: [string, readonly string[]][] = [
  [
    'http://127.0.0.1:8000',
    ['http://127.0.0.1:8000/announce', 'udp://127.0.0.1:8000/announce', 'ws://127.0.0.1:8000']
  ],
  [
    'http://[2001:db8::1]:8000/',
    [
      'http://[2001:db8::1]:8000/announce',
      'udp://[2001:db8::1]:8000/announce',
      'ws://[2001:db8::1]:8000'
    ]
  ],
  [
    'http://tracker.example',
    ['http://tracker.example/announce', 'udp://tracker.example:80/announce', 'ws://tracker.example']
  ],
  ['https://tracker.example', ['https://tracker.example/announce', 'wss://tracker.example']],
  [
    'https://example.org/tracker/',
    ['https://example.org/tracker/announce', 'wss://example.org/tracker']
  ]
]

for (const [url, expected] of cases) {
  t.test(`a tracker reached at ${url} is announced to there`, async (t) => {
    t.same(announceUrlsOf(url), expected)
  })
}
