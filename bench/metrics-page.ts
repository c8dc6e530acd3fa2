/** A node's metrics, as its admin listener shows them. */
import type { Running } from '../test/system/process.ts'

export interface MetricsPage {
  /** The sum of all samples of `name` that have these labels; 0 when there is none. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number
}

export async function scrape({ addresses }: Running): Promise<MetricsPage> {
  const response = await fetch(`${addresses.admin}/metrics`)
  if (!response.ok) throw new Error(`metrics: ${response.status}`)
  const lines = (await response.text()).split('\n')
  return {
    sum(name, labels = {}) {
      const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
      return lines
        .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
        .filter((line) => wanted.every((label) => line.includes(label)))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
    }
  }
}
