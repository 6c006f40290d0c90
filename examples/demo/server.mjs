// One of the server processes: pages by blocking ISR, with the table, the HTML folder and the origin that all share.
import './child.mjs'

import { randomUUID } from 'node:crypto'

import { FaceTheoryIsrMetaStore } from '@theory-cloud/tabletheory-isr'

import { createIsr } from '../isr.mjs'
import { htmlFolder } from './html-folder.mjs'
import { listen } from './loopback.mjs'
import { pageFooter, pageHtml, pageNames } from './page.mjs'
import { storeOptions } from './setting.mjs'

/** @type {{ name: string } & import('./setting.mjs').Setting} */
const { name, tableName, endpoint, folder, originUrl, timing } = JSON.parse(process.argv[2] ?? '')

const metaStore = new FaceTheoryIsrMetaStore(tableName, storeOptions(endpoint))
const isrOptions = {
  metaStore,
  htmlStore: htmlFolder(folder),
  createLeaseOwner: () => `${name}-${randomUUID()}`,
  revalidateSeconds: timing.revalidateSeconds,
  leaseDurationMs: timing.leaseDurationMs,
  waitTimeoutMs: timing.waitTimeoutMs,
  pollIntervalMs: timing.pollIntervalMs,
}
const isr = createIsr({ ...isrOptions, render })

/** @param {string} cacheKey */
async function render(cacheKey) {
  const response = await fetch(`${originUrl}${cacheKey}?process=${name}`)
  if (!response.ok) throw new Error(`The origin answered ${response.status}`)
  const html = pageHtml(/** @type {import('./page.mjs').Content} */ (await response.json()))
  return { html, status: 200, contentType: 'text/html; charset=utf-8' }
}

/** @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response */
async function answer(request, response) {
  response.setHeader('x-process', name)
  const cacheKey = new URL(request.url ?? '/', 'http://localhost').pathname
  if (!pageNames.some((page) => cacheKey === `/page/${page}`)) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('This page does not exist.\n')
  } else if (request.method === 'DELETE') {
    await isr.invalidate(cacheKey)
    response.writeHead(204).end()
  } else if (request.method === 'GET') {
    const page = await isr.serve(cacheKey)
    // A cached copy in the browser would hide the states that this demo shows.
    const headers = { 'content-type': page.contentType, 'cache-control': 'no-store', 'x-isr': page.state }
    response.writeHead(page.status, headers).end(page.html + pageFooter(page, name))
  } else {
    response.writeHead(405, { allow: 'GET, DELETE' }).end()
  }
}

/** A database that has just started is slow: its first requests could take longer than the first leases last. */
async function warmUp() {
  const patient = { ...isrOptions, leaseDurationMs: 60_000, waitTimeoutMs: 60_000 }
  const renderNothing = async () => ({ html: '', status: 200, contentType: 'text/html' })
  const { serve, invalidate } = createIsr({ ...patient, render: renderNothing })
  const cacheKeys = Array.from({ length: 10 }, (_, index) => `/warm-up/${name}/${index}`)
  await Promise.all(cacheKeys.map(serve))
  await Promise.all(cacheKeys.map(invalidate))
}

await warmUp()
process.send?.({ url: (await listen(answer)).url })
