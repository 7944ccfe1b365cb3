// Bundles the front end: the plugins for JupyterLab, and the panel in an output.
import { readFile } from 'node:fs/promises';

import { build } from 'esbuild';

import slim from './slim-uplot.cjs';

const shared = {
  bundle: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'transform',
  logLevel: 'warning',
  // Names that begin with _ are private to our classes; the translator's own begin so, too.
  mangleProps: /^_[a-z]/,
  reserveProps: /^_(n|p|np|nx|px|npx)$/
};

await build({ ...shared, entryPoints: ['src/index.ts'], outfile: 'lib/index.js', packages: 'external' });
await build({ ...shared, entryPoints: ['style/index.css'], outfile: 'lib/index.css', minify: true });
await build({
  ...shared,
  entryPoints: ['src/widget.ts', 'style/widget.css'],
  outdir: 'greencell/static',
  entryNames: 'panel',
  minify: true,
  plugins: [
    {
      name: 'slim-uplot',
      setup({ onLoad }) {
        onLoad({ filter: /uPlot\.esm\.js$/ }, async ({ path }) => ({ contents: slim(await readFile(path, 'utf8')) }));
      }
    }
  ]
});
