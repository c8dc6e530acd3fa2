import t from 'tap'
import { isActive, mediaTypeOf } from '../../../gateway/content/media-type.ts'

t.test('the media type follows the extension, and text is UTF-8', async (t) => {
  const rows: readonly (readonly [string, string])[] = [
    ['a/b.HTML', 'text/html; charset=utf-8'],
    ['movie.mkv', 'video/x-matroska'],
    ['style.css', 'text/css; charset=utf-8'],
    ['app.mjs', 'text/javascript; charset=utf-8'],
    ['no extension', 'application/octet-stream'],
    ['.html', 'text/html; charset=utf-8'],
    ['folder.html/file', 'application/octet-stream']
  ]
  for (const [path, type] of rows) t.equal(mediaTypeOf(path), type, path)
})

t.test('what may run script is active, whatever it is called', async (t) => {
  const names =
    'html htm shtml xhtml xht svg svgz xml xsl xslt xul dtd rss atom rdf mathml pdf js mjs cjs ' +
    'wasm mht mhtml eml swf htc jar php appcache mpd kml wsdl'
  for (const extension of names.split(' ')) {
    t.ok(isActive(mediaTypeOf(`file.${extension}`)), extension)
  }
  const types =
    'text/xsl text/ecmascript application/ecmascript application/x-javascript text/jscript ' +
    'text/xml-external-parsed-entity application/anything+xml image/anything+xml ' +
    'multipart/related multipart/x-mixed-replace message/rfc822 application/x-nobody-knows ' +
    'model/x3d+xml video/x+xml TEXT/HTML;charset=x'
  for (const type of types.split(' ')) t.ok(isActive(type), type)
  t.ok(isActive(''), 'no type at all')
})

t.test('what is only shown, played or saved is not', async (t) => {
  const names =
    'mp4 mkv webm mov ogg ogv ogx mp3 flac m3u8 vtt jpg png gif webp avif ico woff2 ttf txt md ' +
    'log csv css json webmanifest zip gz tar 7z rar iso bin exe torrent epub'
  for (const extension of names.split(' ')) {
    t.notOk(isActive(mediaTypeOf(`file.${extension}`)), extension)
  }
  t.notOk(isActive(mediaTypeOf('README')))
})
