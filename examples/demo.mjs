// Four server processes share one table. They regenerate pages, are killed, and never render a page twice at once.
import { prepare } from '../scripts/prepare.mjs'

const help = `Usage: npm run demo [-- --serve]

Builds the package, and starts DynamoDB Local and four server processes that share one table and one folder of HTML.
Then it plays the life of a cached page: a cold miss, hits, expiry, invalidation, a crash during a render, a failing
render. Each outcome is checked. The exit code is 1 if one is wrong.

  --serve  serve the pages and a view of the table at a local address, until Ctrl-C, instead of playing
  --help   this text

DynamoDB Local needs Java 17 or newer. With DYNAMODB_ENDPOINT set, the demo uses that endpoint.`

const options = process.argv.slice(2)
const unknown = options.filter((option) => !['--serve', '--help', '-h'].includes(option))
if (unknown.length > 0) {
  console.error(`Unknown argument: ${unknown.join(' ')}\n\n${help}`)
  process.exitCode = 2
} else if (options.includes('--help') || options.includes('-h')) {
  console.log(help)
} else {
  await prepare()
  // Only now, because in a fresh clone the package that it imports has just been built.
  const { run } = await import('./demo/run.mjs')
  await run({ serving: options.includes('--serve') })
}
