/**
 * What is in a folder of a torrent, for programs: JSON, direct children and, of the root, all
 * files. The page for people is `listing-page.ts`.
 *
 * Pure. URLs are whole, since the answer is read elsewhere.
 */
import { contentUrlPath } from '../../core/content-path.ts'
import type { Entry, EntryFile } from '../../lib/control/control.ts'
import { type Folder, isAroundFile } from '../content/folder.ts'

/** What the links of a listing begin with. */
export interface ListingPlace {
  /** What comes before `/{infohash}` in whole URLs, without a trailing slash. */
  readonly baseUrl: string
  /** Path of the torrent's root folder where the reader is, with its slash. */
  readonly root: string
  /** What the page's links to `.torrent` and the like begin with: `/{infohash}`. */
  readonly documents: string
  /** The root folder, with its slash, where `?format=` is understood. */
  readonly formats: string
}

/**
 * Under the gateway's own host.
 * @param prefix a path before `/{infohash}`, such as `/s/{token}`, without a trailing slash.
 */
export function gatewayPlace(entry: Entry, origin: string, prefix = ''): ListingPlace {
  const root = prefix + rootPath(entry)
  return { baseUrl: origin + prefix, root, documents: `${prefix}/${entry.infoHash}`, formats: root }
}

/** Under a torrent's own host, where its root folder is `/`; `origin` is still the gateway's. */
export function sitePlace(entry: Entry, origin: string): ListingPlace {
  const documents = `${origin}/${entry.infoHash}`
  return { baseUrl: origin, root: '/', documents, formats: origin + rootPath(entry) }
}

function rootPath({ infoHash, name, single }: Entry): string {
  return single ? `/${infoHash}/` : contentUrlPath(infoHash, name, '')
}

/** One folder of an entry, seen from somewhere. */
export interface Listing {
  readonly entry: Entry
  readonly folder: Folder
  readonly place: ListingPlace
  readonly magnet: string
  /** Of the root, where the torrent is a site of its own. */
  readonly siteUrl?: string | undefined
}

/** Rows of a list that are made at once. */
const ROWS = 200

/**
 * The JSON document, in pieces of bounded length: sizes in bytes, times in ISO 8601. `path` is
 * below the torrent's name, of a single file its name.
 */
export function* listingDocument(listing: Listing): Iterable<string> {
  const { entry, folder } = listing
  const isRoot = folder.path === ''
  const head = {
    infoHash: entry.infoHash,
    name: entry.name,
    path: folder.path,
    size: isRoot ? entry.size : folder.size,
    fileCount: folder.fileCount,
    createdAt: new Date(entry.createdAt).toISOString(),
    links: linksOf(listing)
  }
  const { folders, files } = folder.entries
  yield `${JSON.stringify(head).slice(0, -1)},"entries":[`
  yield* rows(folders, (child) => folderRow(listing, child))
  if (folders.length > 0 && files.length > 0) yield ','
  yield* rows(files, (file) => ({
    type: 'file',
    name: file.path.slice(file.path.lastIndexOf('/') + 1),
    ...fileRow(listing, file)
  }))
  yield ']'
  if (isRoot) {
    yield ',"files":['
    yield* rows(entry.files, (file) => fileRow(listing, file))
    yield ']'
  }
  yield '}\n'
}

function linksOf({ entry, folder, place, magnet }: Listing) {
  const { single, infoHash } = entry
  const self = folderUrl(entry, folder, place)
  return {
    gateway: single ? place.baseUrl + contentUrlPath(infoHash, entry.name) : self,
    torrent: `${place.baseUrl}/${infoHash}.torrent`,
    magnet,
    zip: `${self}?format=zip`,
    tar: `${self}?format=tar`,
    m3u: `${self}?format=m3u`
  }
}

function folderRow({ entry, place }: Listing, folder: Folder) {
  const { name, path, size, fileCount } = folder
  return { type: 'folder', name, path, size, fileCount, url: folderUrl(entry, folder, place) }
}

function fileRow({ entry, place }: Listing, { path, size, sha256 }: EntryFile) {
  const { infoHash, name, single } = entry
  const url = place.baseUrl + contentUrlPath(infoHash, name, single ? undefined : path)
  return { path, size, sha256, url }
}

function folderUrl(entry: Entry, folder: Folder, { baseUrl }: ListingPlace): string {
  const { infoHash, name, single } = entry
  const { path } = folder
  if (path === '') return baseUrl + rootPath(entry)
  if (single) return baseUrl + contentUrlPath(infoHash, name)
  return baseUrl + contentUrlPath(infoHash, name, isAroundFile(folder) ? path : `${path}/`)
}

/** The items of an array, joined by commas. */
function* rows<T>(items: readonly T[], rowOf: (item: T) => object): Iterable<string> {
  for (let first = 0; first < items.length; first += ROWS) {
    const some = items.slice(first, first + ROWS).map((item) => JSON.stringify(rowOf(item)))
    yield (first === 0 ? '' : ',') + some.join(',')
  }
}
