import t from 'tap'
import { hasMedia, playlistOf } from '../../../gateway/content/playlist.ts'
import { entryOf, HASH } from '../publish/fleet.ts'
import { folderEntry, folderOf } from './archive/archive-rig.ts'

const BASE = 'https://g.test'

t.test('a playlist has what can be played, in the order people expect', async (t) => {
  const entry = folderEntry([
    { path: 'cd 1/10 end.flac' },
    { path: 'cd 1/2 ö#.flac' },
    { path: 'cover.jpg' },
    { path: 'list.m3u' },
    { path: 'making of.mkv' }
  ])
  t.equal(
    playlistOf(entry, folderOf(entry), BASE),
    [
      '#EXTM3U',
      '#PLAYLIST:album',
      '#EXTINF:-1,2 ö#.flac',
      `${BASE}/${HASH}/album/cd%201/2%20%C3%B6%23.flac`,
      '#EXTINF:-1,10 end.flac',
      `${BASE}/${HASH}/album/cd%201/10%20end.flac`,
      '#EXTINF:-1,making of.mkv',
      `${BASE}/${HASH}/album/making%20of.mkv`,
      ''
    ].join('\n')
  )
  t.match(playlistOf(entry, folderOf(entry, 'cd 1'), BASE), '#PLAYLIST:cd 1')
})

t.test('the one file of a torrent without a folder', async (t) => {
  const entry = entryOf()
  t.match(playlistOf(entry, folderOf(entry), BASE), `\n${BASE}/${HASH}/movie.mp4\n`)
})

t.test('a name cannot write lines of its own', async (t) => {
  const path = 'a\r\n#EXTVLCOPT:x\nhttp://evil.test/\u2028b\u0085.mp3'.replaceAll('/', ':')
  const entry = folderEntry([{ path }], { name: 'x\n#y' })
  const lines = playlistOf(entry, folderOf(entry), BASE).split(/[\n\r\u2028\u0085]/)
  t.equal(lines.length, 5)
  t.match(lines[1], '#PLAYLIST:x #y')
  t.match(lines[3], new RegExp(`^${BASE}/${HASH}/x%0A%23y/a%0D%0A%23EXT`))
})

t.test(
  'whether there is something to play is found out without a walk of everything',
  async (t) => {
    const nothing = Array.from({ length: 600 }, (_, index) => ({ path: `d${index}/a.txt` }))
    const has = (specs: { path: string }[]) => hasMedia(folderOf(folderEntry(specs)))
    t.notOk(has(nothing))
    t.ok(has([{ path: 'a/b/c.mp3' }, { path: 'x.txt' }]))
    t.ok(has([...nothing.slice(0, 100), { path: 'z.webm' }]))
  }
)

t.test('a playlist is bounded', async (t) => {
  const entry = folderEntry(
    Array.from({ length: 10_050 }, (_, index) => ({ path: `${index}.mp3` }))
  )
  t.equal(playlistOf(entry, folderOf(entry), BASE).match(/#EXTINF/g)?.length, 10_000)
})
