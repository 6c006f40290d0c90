// HTTP servers on free ports of this machine only.
import { once } from 'node:events'
import { createServer } from 'node:http'

/** @typedef {import('node:http').IncomingMessage} Request */
/** @typedef {import('node:http').ServerResponse} Response */

/** @param {(request: Request, response: Response) => unknown} handle A rejection is answered with 503. */
export async function listen(handle) {
  const server = createServer(async (request, response) => {
    try {
      await handle(request, response)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      response.writeHead(503, { 'content-type': 'text/plain', 'x-isr': 'error' }).end(`${message}\n`)
    }
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return { url: `http://127.0.0.1:${port}` }
}
