// Builds of an app by each bundler. A build writes into a folder, and resolves to the name of the program there.
import { createRequire } from 'node:module'
import { join } from 'node:path'

import * as esbuild from 'esbuild'

export type Build = (app: string, out: string) => Promise<string>

const require = createRequire(new URL('../bundlers/package.json', import.meta.url))
const name = '@theory-cloud/tabletheory-isr'

type Format = 'cjs' | 'esm'
const program = (format: Format) => (format === 'cjs' ? 'bundle.cjs' : 'bundle.mjs')

const withEsbuild =
  (entry: string, format: Format, options: esbuild.BuildOptions = {}): Build =>
  async (app, out) => {
    const outfile = join(out, program(format))
    const common = { bundle: true, platform: 'node', target: 'node20', logLevel: 'silent' } as const
    await esbuild.build({ ...common, entryPoints: [join(app, entry)], outfile, format, ...options })
    return program(format)
  }
const copied: esbuild.BuildOptions = { loader: { '.node': 'copy' } }
const js = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"

const withRollup =
  (entry: string, format: Format, withCommonJs: boolean): Build =>
  async (app, out) => {
    const { rollup } = require('rollup')
    const plugins = [require('@rollup/plugin-node-resolve').nodeResolve({ preferBuiltins: true })]
    if (withCommonJs) plugins.push(require('@rollup/plugin-commonjs')())
    const bundle = await rollup({ input: join(app, entry), plugins, external: /^node:/, logLevel: 'silent' })
    await bundle.write({ file: join(out, program(format)), format })
    return program(format)
  }

/** webpack, and Rspack, which has the same interface. */
const withWebpack =
  (packageName: string, entry: string, format: Format): Build =>
  (app, out) =>
    new Promise((resolve, reject) => {
      const bundler = require(packageName)
      const filename = program(format)
      const asCommonJs = { output: { path: out, filename, library: { type: 'commonjs2' } } }
      const asModule = {
        output: { path: out, filename, module: true, chunkFormat: 'module', library: { type: 'module' } },
        experiments: { outputModule: true },
      }
      const common = { mode: 'production', target: 'node20', context: app, entry: join(app, entry) }
      const options = { ...common, ...(format === 'cjs' ? asCommonJs : asModule) }
      const run = typeof bundler === 'function' ? bundler : bundler.rspack
      run(options, (error: Error | null, stats: { compilation: { errors: unknown[]; warnings: unknown[] } }) => {
        const faults = error ? [error] : [...stats.compilation.errors, ...stats.compilation.warnings]
        if (faults.length > 0) reject(new Error(faults.map((fault) => (fault as Error).message).join('\n')))
        else resolve(filename)
      })
    })

/** Vite's build for a server. */
const withVite =
  (ssr: object): Build =>
  async (app, out) => {
    const vite = await import(require.resolve('vite'))
    const output = { entryFileNames: program('esm') }
    const build = { ssr: join(app, 'app.mjs'), outDir: out, rollupOptions: { output } }
    await vite.build({ root: app, configFile: false, logLevel: 'silent', ssr, build })
    return program('esm')
  }

const withTsdown =
  (format: Format, deps: object): Build =>
  async (app, out) => {
    const { build } = await import(require.resolve('tsdown'))
    await build({
      config: false,
      cwd: app,
      entry: 'app.mjs',
      format,
      outDir: out,
      logLevel: 'silent',
      dts: false,
      deps,
    })
    return format === 'cjs' ? 'app.cjs' : 'app.mjs'
  }
const bundled = { alwaysBundle: [/tabletheory-isr/] }

const copying: Record<string, Build> = Object.fromEntries(
  [
    ['webpack', 'webpack'],
    ['Rspack', '@rspack/core'],
  ].flatMap(([title, packageName = '']): [string, Build][] => [
    [`${title} to CommonJS`, withWebpack(packageName, 'app.mjs', 'cjs')],
    [`${title} to CommonJS, of CommonJS`, withWebpack(packageName, 'app.cjs', 'cjs')],
    [`${title} to ES modules`, withWebpack(packageName, 'app.mjs', 'esm')],
  ]),
)

export const builds: {
  complete: Record<string, Build>
  beside: Record<string, Build>
  external: Record<string, Build>
  refused: Record<string, { build: Build; hint: string }>
  copying: Record<string, Build>
} = {
  complete: {
    'esbuild to CommonJS with --loader:.node=copy': withEsbuild('app.mjs', 'cjs', copied),
    'esbuild to CommonJS, of CommonJS, with --loader:.node=copy': withEsbuild('app.cjs', 'cjs', copied),
    'esbuild to ES modules with --loader:.node=copy': withEsbuild('app.mjs', 'esm', copied),
    'esbuild to ES modules with --loader:.node=copy and a require of its own': withEsbuild('app.mjs', 'esm', {
      ...copied,
      banner: { js },
    }),
    ...copying,
    'tsdown to CommonJS, with the package bundled': withTsdown('cjs', bundled),
    'tsdown to ES modules, with the package bundled': withTsdown('esm', bundled),
  },
  beside: {
    'Rollup to CommonJS': withRollup('app.mjs', 'cjs', false),
    'Rollup to ES modules': withRollup('app.mjs', 'esm', false),
    'Rollup with its CommonJS plugin to CommonJS': withRollup('app.mjs', 'cjs', true),
    'Rollup with its CommonJS plugin to ES modules': withRollup('app.mjs', 'esm', true),
  },
  external: {
    'esbuild to CommonJS with --external': withEsbuild('app.mjs', 'cjs', { external: [name] }),
    'esbuild to ES modules with --external': withEsbuild('app.mjs', 'esm', { external: [name] }),
    'Vite for a server': withVite({}),
    'tsdown to CommonJS': withTsdown('cjs', {}),
    'tsdown to ES modules': withTsdown('esm', {}),
  },
  refused: {
    'esbuild to CommonJS': { build: withEsbuild('app.mjs', 'cjs'), hint: 'No loader is configured for ".node" files' },
    'esbuild to CommonJS, of CommonJS': {
      build: withEsbuild('app.cjs', 'cjs'),
      hint: 'No loader is configured for ".node" files',
    },
    'esbuild to ES modules': {
      build: withEsbuild('app.mjs', 'esm'),
      hint: 'No loader is configured for ".node" files',
    },
    'Rollup with its CommonJS plugin, of CommonJS': {
      build: withRollup('app.cjs', 'cjs', true),
      hint: 'you need plugins to import files that are not JavaScript',
    },
    'Vite for a server, with the package bundled': {
      build: withVite({ noExternal: [name] }),
      hint: 'Could not load',
    },
  },
  copying,
}
