// The pages: their names and their HTML.

export const pageNames = ['news', 'weather', 'prices', 'events']

/** @typedef {{ page: string, generation: number, process: string }} Content */

const style = `
  :root { color-scheme: light dark; font: 17px/1.6 system-ui, sans-serif }
  body { max-width: 40rem; margin: 12vh auto; padding: 0 1.5rem }
  h1 { font-size: 2.2rem; line-height: 1.2; margin: 0 0 1rem; text-transform: capitalize }
  footer { margin-top: 4rem; padding-top: 1rem; border-top: 1px solid #8886; font-size: .85rem }
  footer { color: light-dark(#555, #aaa) }
  a { color: inherit }`

/**
 * The part that is cached. It ends without `</body>`, which HTML permits, so that a footer can follow it.
 *
 * @param {Content} content
 */
export const pageHtml = ({ page, generation, process }) => `<!doctype html>
<html lang="en" data-generation="${generation}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${page}, generation ${generation}</title>
<style>${style}
</style>
<h1>${page}</h1>
<p>This is generation <strong>${generation}</strong> of the page, rendered by process <strong>${process}</strong>.
Reload it while it is fresh, and it stays the same. Reload it later, and the process that acquires the lease renders
the next generation, however many readers ask.</p>
`

/**
 * The part that is different for each request.
 *
 * @param {import('../isr.mjs').IsrPage} page
 * @param {string} process
 */
export const pageFooter = ({ state, generatedAt, revalidateSeconds }, process) => `<footer>
<strong>${state}</strong>, served by process <strong>${process}</strong>, rendered
${((Date.now() - generatedAt) / 1_000).toFixed(1)} s ago, fresh for ${revalidateSeconds} s. <a href="/">All pages</a>
</footer>
`

/** @param {string} html @returns {number | null} */
export function generationOf(html) {
  const generation = /data-generation="(\d+)"/.exec(html)?.[1]
  return generation === undefined ? null : Number(generation)
}
